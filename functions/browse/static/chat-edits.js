// Edits and deletes the reader's own messages. An edit names the revision that it changes, so that nobody overwrites an edit
// made elsewhere without seeing it.

import { call } from "./chat-api.js";
import { setText } from "./chat-thread.js";

const pathOf = (message) => `/api/messages/${message.id}/`;

export class Edits {
    /** `show(message)` is called for an edited message, `showDeleted(id)` for a deleted one. */
    constructor({ show, showDeleted }) {
        Object.assign(this, { show, showDeleted });
        this.dialog = document.querySelector("#delete");
        this.dialog.addEventListener("submit", (event) => this.#decided(event));
    }

    /** Saves the new text of a message. Throws an error with a text for the reader. */
    async save(message, body) {
        if (body === message.text) {
            return;
        }
        try {
            this.show(
                await call("PATCH", pathOf(message), { message_body: body }, { "If-Match": `"${message.revision}"` }),
            );
        } catch (failure) {
            await this.#refused(failure, message, body);
        }
    }

    async #refused(failure, message, body) {
        if (failure.status === 404) {
            this.showDeleted(message.id);
            throw new Error("This message has been deleted.");
        }
        if (failure.status !== 412) {
            throw failure;
        }
        const present = await call("GET", pathOf(message));
        this.show(present);
        message.revision = present.revision;
        // With the same text, an earlier try of this edit has succeeded and its answer was lost.
        if (present.message_body !== body) {
            throw new Error("This message has been changed on another device. Save again to replace that change.");
        }
    }

    /** Asks the reader, and deletes the message after a yes. */
    confirm(message) {
        this.message = message;
        setText(this.dialog.querySelector(".quote"), message.text);
        setText(this.dialog.querySelector("[role=alert]"), "");
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
            this.showDeleted(this.message.id);
        } catch (failure) {
            setText(this.dialog.querySelector("[role=alert]"), failure.message);
        }
        event.submitter.disabled = false;
    }

    async #delete() {
        try {
            await call("DELETE", pathOf(this.message));
        } catch (failure) {
            // The message is deleted already, perhaps by an earlier try.
            if (failure.status !== 404) throw failure;
        }
    }
}
