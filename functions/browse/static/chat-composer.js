// Where messages are written and changed: what answers which message, drafts that outlive the page, and keys.

import { say } from "./chat-thread.js";

export class Composer {
    /**
     * `send({body, replyTo})` is told of each message, `save(message, body)` of each change of one, which throws where it
     * fails; `last()` is one's own last message.
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

    /** What is written next answers this message, or none. */
    answer(message) {
        this.#leave();
        this.replyTo = message?.id ?? null;
        this.#quote(message, message?.who, "Cancel reply");
        this.field.focus();
    }

    /** What is written next is what this message says from then on. */
    edit(message) {
        this.answer(null);
        this.draft = this.field.value;
        this.editing = message;
        this.field.value = message.text;
        this.#quote(message, "Edit your message", "Cancel edit");
        say(this.label, "Edit your message");
        say(this.button, "Save");
    }

    /** Takes back the words of a message that was not sent. */
    rewrite(text) {
        this.#leave();
        this.field.value = [text, this.field.value].filter(Boolean).join("\n");
        this.#keep();
        this.field.focus();
    }

    /** Goes back to what was being written before a change. */
    #leave() {
        say(this.wrong, "");
        if (this.editing) {
            this.editing = null;
            this.field.value = this.draft;
            say(this.label, this.addressee);
            say(this.button, "Send");
        }
    }

    #quote(message, who, cancel) {
        this.about.hidden = !message;
        say(this.about.querySelector(".quote-name"), who ?? "");
        say(this.about.querySelector(".quote-text"), message?.text ?? "");
        say(this.about.querySelector("button"), cancel);
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
        say(this.wrong, "");
        this.button.disabled = true;
        try {
            await this.save(message, body);
            if (this.editing === message) this.answer(null);
        } catch (failure) {
            if (this.editing === message) say(this.wrong, failure.message);
        }
        this.button.disabled = false;
    }

    #key(event) {
        // On a touch screen, Enter is the only way to begin a new line.
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
            // Full or forbidden: then a draft does not outlive the page.
        }
    }
}
