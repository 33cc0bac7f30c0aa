// One's own messages, changed and deleted. A change names the revision that it was made of, so that one made elsewhere in the
// meantime is seen before it is replaced.

import { call } from "./chat-api.js";
import { say } from "./chat-thread.js";

const place = (message) => `/api/messages/${message.id}/`;

export class Edits {
    /** `show(message)` and `bury(id)` are told what became of a message. */
    constructor({ show, bury }) {
        Object.assign(this, { show, bury });
        this.dialog = document.querySelector("#delete");
        this.dialog.addEventListener("submit", (event) => this.#decided(event));
    }

    /** Saves what a message is to say; throws what its writer has to know. */
    async save(message, body) {
        if (body === message.text) {
            return;
        }
        try {
            this.show(
                await call("PATCH", place(message), { message_body: body }, { "If-Match": `"${message.revision}"` }),
            );
        } catch (failure) {
            await this.#refused(failure, message, body);
        }
    }

    async #refused(failure, message, body) {
        if (failure.status === 404) {
            this.bury(message.id);
            throw new Error("This message was deleted in the meantime.");
        }
        if (failure.status !== 412) {
            throw failure;
        }
        const present = await call("GET", place(message));
        this.show(present);
        message.revision = present.revision;
        // An earlier try of this very change has succeeded, and its answer was lost.
        if (present.message_body !== body) {
            throw new Error(
                "This message was changed elsewhere in the meantime. Save again to replace what it says now.",
            );
        }
    }

    /** Asks whether a message is to be deleted, and deletes it. */
    confirm(message) {
        this.message = message;
        say(this.dialog.querySelector(".quote"), message.text);
        say(this.dialog.querySelector("[role=alert]"), "");
        this.dialog.showModal();
    }

    async #decided(event) {
        if (event.submitter?.value !== "yes") {
            return;
        }
        event.preventDefault();
        event.submitter.disabled = true;
        try {
            await this.#delete();
            this.dialog.close();
            this.bury(this.message.id);
        } catch (failure) {
            say(this.dialog.querySelector("[role=alert]"), failure.message);
        }
        event.submitter.disabled = false;
    }

    async #delete() {
        try {
            await call("DELETE", place(this.message));
        } catch (failure) {
            // Deleted already, perhaps by an earlier try.
            if (failure.status !== 404) throw failure;
        }
    }
}
