// Where messages are written: what answers which message, drafts that outlive the page, and keys.

import { say } from "./chat-thread.js";

export class Composer {
    /** `send({body, replyTo})` is told of each message. */
    constructor(form, { place, send }) {
        this.form = form;
        this.field = form.elements.message_body;
        this.replying = form.querySelector(".replying");
        this.place = place;
        this.send = send;
        this.replyTo = null;
        this.field.value ||= sessionStorage.getItem(place) ?? "";
        this.field.required = false;
        form.querySelector(".hint").hidden = false;
        form.addEventListener("submit", (event) => this.#submitted(event));
        this.field.addEventListener("keydown", (event) => this.#key(event));
        this.field.addEventListener("input", () => this.#keep());
        this.replying.querySelector("button").addEventListener("click", () => this.answer(null));
    }

    /** What is written next answers this message, or none. */
    answer(message) {
        this.replyTo = message?.id ?? null;
        this.replying.hidden = !message;
        say(this.replying.querySelector(".quote-name"), message?.who ?? "");
        say(this.replying.querySelector(".quote-text"), message?.text ?? "");
        this.field.focus();
    }

    /** Takes back the words of a message that was not sent. */
    rewrite(text) {
        this.field.value = [text, this.field.value].filter(Boolean).join("\n");
        this.#keep();
        this.field.focus();
    }

    #submitted(event) {
        event.preventDefault();
        const body = this.field.value;
        if (body.trim()) {
            this.field.value = "";
            this.#keep();
            this.send({ body, replyTo: this.replyTo });
            this.answer(null);
        }
        this.field.focus();
    }

    #key(event) {
        // On a touch screen, Enter is the only way to begin a new line.
        const touch = matchMedia("(pointer: coarse)").matches;
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !touch) {
            event.preventDefault();
            this.form.requestSubmit();
        } else if (event.key === "Escape" && this.replyTo) {
            this.answer(null);
        }
    }

    #keep() {
        try {
            sessionStorage.setItem(this.place, this.field.value);
        } catch {
            // Full or forbidden: then a draft does not outlive the page.
        }
    }
}
