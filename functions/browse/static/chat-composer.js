// The form that writes and edits messages: replies, drafts that survive a reload, and the keyboard.

import { setText } from "./chat-thread.js";

export class Composer {
    /**
     * `send({body, replyTo})` sends a message. `save(message, body)` saves an edit, and throws if it fails. `last()` returns
     * the last message of the reader. `place` is the key of the draft in the storage of this tab.
     */
    constructor(form, { place, send, save, last }) {
        Object.assign(this, { form, place, send, save, last });
        this.field = form.elements.message_body;
        this.label = form.querySelector("label");
        this.button = form.querySelector(".primary");
        this.about = form.querySelector(".about");
        this.wrong = form.querySelector("[role=alert]");
        this.addressee = this.label.textContent;
        this.replyTo = null;
        this.editing = null;
        this.draft = "";
        this.field.value ||= sessionStorage.getItem(place) ?? "";
        this.field.required = false;
        form.querySelector(".hint").hidden = false;
        form.addEventListener("submit", (event) => this.#submitted(event));
        this.field.addEventListener("keydown", (event) => this.#key(event));
        this.field.addEventListener("input", () => this.#keep());
        this.about.querySelector("button").addEventListener("click", () => this.answer(null));
    }

    /** Makes the next message a reply to `message`, or to none. */
    answer(message) {
        this.#leave();
        this.replyTo = message?.id ?? null;
        this.#quote(message, message?.who, "Cancel reply");
        this.field.focus();
    }

    /** Edits `message` with the next text. */
    edit(message) {
        this.answer(null);
        this.draft = this.field.value;
        this.editing = message;
        this.field.value = message.text;
        this.#quote(message, "Edit your message", "Cancel edit");
        setText(this.label, "Edit your message");
        setText(this.button, "Save");
    }

    /** Puts the text of a refused message back into the form. */
    rewrite(text) {
        this.#leave();
        this.field.value = [text, this.field.value].filter(Boolean).join("\n");
        this.#keep();
        this.field.focus();
    }

    /** Ends an edit and restores the draft. */
    #leave() {
        setText(this.wrong, "");
        if (this.editing) {
            this.editing = null;
            this.field.value = this.draft;
            setText(this.label, this.addressee);
            setText(this.button, "Send");
        }
    }

    #quote(message, who, cancel) {
        this.about.hidden = !message;
        setText(this.about.querySelector(".quote-name"), who ?? "");
        setText(this.about.querySelector(".quote-text"), message?.text ?? "");
        setText(this.about.querySelector("button"), cancel);
    }

    #submitted(event) {
        event.preventDefault();
        const body = this.field.value;
        if (this.editing && body.trim()) {
            this.#change(this.editing, body);
        } else if (body.trim()) {
            this.field.value = "";
            this.#keep();
            this.send({ body, replyTo: this.replyTo });
            this.answer(null);
        }
        this.field.focus();
    }

    async #change(message, body) {
        setText(this.wrong, "");
        this.button.disabled = true;
        try {
            await this.save(message, body);
            if (this.editing === message) this.answer(null);
        } catch (failure) {
            if (this.editing === message) setText(this.wrong, failure.message);
        }
        this.button.disabled = false;
    }

    #key(event) {
        // On a touch screen there is no other way than Enter to begin a new line.
        const touch = matchMedia("(pointer: coarse)").matches;
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !touch) {
            event.preventDefault();
            if (!this.button.disabled) this.form.requestSubmit();
        } else if (event.key === "Escape" && (this.replyTo || this.editing)) {
            this.answer(null);
        } else if (event.key === "ArrowUp" && !this.field.value && !this.editing && this.last()) {
            event.preventDefault();
            this.edit(this.last());
        }
    }

    #keep() {
        try {
            sessionStorage.setItem(this.place, this.editing ? this.draft : this.field.value);
        } catch {
            // The storage is full or forbidden. A reload then loses the draft.
        }
    }
}
