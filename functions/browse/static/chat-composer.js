// The form that writes and edits messages: replies, drafts that survive a reload, and the keyboard.

import { setText } from "./chat-thread.js";

export class Composer {
    /**
     * `send({body, replyTo})` sends a message. `save(message, body)` saves an edit, and throws if it fails. `last()` returns
     * the last message of the reader. `storageKey` is the key of the draft in the storage of this tab.
     */
    constructor(form, { storageKey, send, save, last }) {
        Object.assign(this, { form, storageKey, send, save, last });
        this.field = form.elements.message_body;
        this.label = form.querySelector("label");
        this.button = form.querySelector(".primary");
        this.quote = form.querySelector(".about");
        this.error = form.querySelector("[role=alert]");
        this.addressee = this.label.textContent;
        this.replyTo = null;
        this.editing = null;
        this.draft = "";
        this.field.value ||= sessionStorage.getItem(storageKey) ?? "";
        this.field.required = false;
        form.querySelector(".hint").hidden = false;
        form.addEventListener("submit", (event) => this.#submitted(event));
        this.field.addEventListener("keydown", (event) => this.#keyPressed(event));
        this.field.addEventListener("input", () => this.#saveDraft());
        this.quote.querySelector("button").addEventListener("click", () => this.startReply(null));
    }

    /** Makes the next message a reply to `message`, or to none. */
    startReply(message) {
        this.#endEdit();
        this.replyTo = message?.id ?? null;
        this.#showQuote(message, message?.who, "Cancel reply");
        this.field.focus();
    }

    /** Edits `message` with the next text. */
    edit(message) {
        this.startReply(null);
        this.draft = this.field.value;
        this.editing = message;
        this.field.value = message.text;
        this.#showQuote(message, "Edit your message", "Cancel edit");
        setText(this.label, "Edit your message");
        setText(this.button, "Save");
    }

    /** Puts the text of a refused message back into the form. */
    restore(text) {
        this.#endEdit();
        this.field.value = [text, this.field.value].filter(Boolean).join("\n");
        this.#saveDraft();
        this.field.focus();
    }

    /** Ends an edit and restores the draft. */
    #endEdit() {
        setText(this.error, "");
        if (this.editing) {
            this.editing = null;
            this.field.value = this.draft;
            setText(this.label, this.addressee);
            setText(this.button, "Send");
        }
    }

    #showQuote(message, who, cancel) {
        this.quote.hidden = !message;
        setText(this.quote.querySelector(".quote-name"), who ?? "");
        setText(this.quote.querySelector(".quote-text"), message?.text ?? "");
        setText(this.quote.querySelector("button"), cancel);
    }

    #submitted(event) {
        event.preventDefault();
        const body = this.field.value;
        if (this.editing && body.trim()) {
            this.#saveEdit(this.editing, body);
        } else if (body.trim()) {
            this.field.value = "";
            this.#saveDraft();
            this.send({ body, replyTo: this.replyTo });
            this.startReply(null);
        }
        this.field.focus();
    }

    async #saveEdit(message, body) {
        setText(this.error, "");
        this.button.disabled = true;
        try {
            await this.save(message, body);
            if (this.editing === message) this.startReply(null);
        } catch (failure) {
            if (this.editing === message) setText(this.error, failure.message);
        }
        this.button.disabled = false;
    }

    #keyPressed(event) {
        // On a touch screen there is no other way than Enter to begin a new line.
        const touch = matchMedia("(pointer: coarse)").matches;
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !touch) {
            event.preventDefault();
            if (!this.button.disabled) this.form.requestSubmit();
        } else if (event.key === "Escape" && (this.replyTo || this.editing)) {
            this.startReply(null);
        } else if (event.key === "ArrowUp" && !this.field.value && !this.editing && this.last()) {
            event.preventDefault();
            this.edit(this.last());
        }
    }

    #saveDraft() {
        try {
            sessionStorage.setItem(this.storageKey, this.editing ? this.draft : this.field.value);
        } catch {
            // The storage is full or forbidden. A reload then loses the draft.
        }
    }
}
