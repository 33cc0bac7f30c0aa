// The messages that were sent and not answered yet. A message keeps its idempotency key through retries and reloads of this
// tab, so that the conversation contains it once. Messages of one conversation are sent one after the other, in order.

import { call, uuidv7 } from "./chat-api.js";

const TRIES = 6;
const LONGEST_WAIT = 30_000;

export class Outbox {
    /** `changed(entry)` is called for every change of an entry, `sent(entry, message)` for the answer. */
    constructor({ user, clock, changed, sent }) {
        this.storageKey = `outbox ${user}`;
        this.clock = clock;
        this.changed = changed;
        this.sent = sent;
        this.busy = new Set();
        this.timers = new Map();
        this.entries = this.#load();
    }

    /** Adds a message that the user has just sent, and sends it. */
    add({ conversation, body, replyTo, after }) {
        const entry = {
            request: {
                conversation,
                message_body: body,
                client_id: uuidv7(this.clock()),
                ...(replyTo ? { reply_to: replyTo } : {}),
                ...(after ? { after } : {}),
            },
            state: "sending",
            tries: 0,
            written: this.clock(),
        };
        this.entries.push(entry);
        this.#save();
        this.changed(entry);
        this.#sendAll(conversation);
        return entry;
    }

    /** Continues with the messages that an earlier page of this tab did not finish. */
    resume() {
        for (const entry of this.entries) {
            entry.state = entry.state === "refused" ? "refused" : "sending";
            entry.tries = 0;
            this.changed(entry);
        }
        this.retry();
    }

    /** Sends everything that is not refused again, now, with the same keys. */
    retry() {
        for (const entry of this.entries.filter(({ state }) => state !== "refused")) {
            entry.state = "sending";
            entry.tries = 0;
            this.changed(entry);
            this.#sendAll(entry.request.conversation);
        }
    }

    /** Removes a message that will not be sent. */
    discard(entry) {
        this.entries = this.entries.filter((other) => other !== entry);
        this.#save();
        this.changed({ ...entry, state: "gone" });
        this.#sendAll(entry.request.conversation);
    }

    /** Finishes a message that the conversation lists, also if its answer was lost. */
    acknowledge(message) {
        const entry = this.entries.find(({ request }) => request.client_id === message.client_id);
        if (entry) {
            this.#done(entry, message);
        }
    }

    async #sendAll(conversation) {
        if (this.busy.has(conversation)) {
            return;
        }
        clearTimeout(this.timers.get(conversation));
        this.busy.add(conversation);
        try {
            let entry = this.#next(conversation);
            while (entry && (await this.#try(entry))) entry = this.#next(conversation);
        } finally {
            this.busy.delete(conversation);
        }
    }

    /** Returns the first message that is not refused, or nothing while that message waits for its writer. */
    #next(conversation) {
        const entry = this.entries.find(
            ({ request, state }) => request.conversation === conversation && state !== "refused",
        );
        return entry?.state === "failed" ? undefined : entry;
    }

    /** Sends a message once. Returns true if the next one may be sent. */
    async #try(entry) {
        entry.tries += 1;
        let message;
        try {
            message = await call("POST", "/api/messages/", entry.request);
        } catch (failure) {
            return !this.entries.includes(entry) || this.#failed(entry, failure);
        }
        this.#done(entry, message);
        return true;
    }

    #done(entry, message) {
        if (!this.entries.includes(entry)) {
            return;
        }
        this.entries = this.entries.filter((other) => other !== entry);
        this.#save();
        this.sent(entry, message);
    }

    #failed(entry, failure) {
        entry.detail = failure.message;
        entry.loggedOut = failure.loggedOut;
        if (!failure.open && !failure.loggedOut) {
            entry.state = "refused";
        } else if (failure.loggedOut || entry.tries >= TRIES) {
            entry.state = "failed";
        } else {
            entry.state = "waiting";
            this.#tryLater(entry, failure.retryAfter);
        }
        this.#save();
        this.changed(entry);
        return entry.state === "refused";
    }

    /** Tries again after a random time, longer after each try, so that not all clients come back at the same moment. */
    #tryLater({ tries, request: { conversation } }, retryAfter) {
        const window = Math.min(LONGEST_WAIT, 500 * 2 ** tries);
        const wait = Math.max(retryAfter * 1000, 0) + window * (0.5 + Math.random() / 2);
        clearTimeout(this.timers.get(conversation));
        this.timers.set(
            conversation,
            setTimeout(() => this.#sendAll(conversation), wait),
        );
    }

    #save() {
        try {
            sessionStorage.setItem(this.storageKey, JSON.stringify(this.entries));
        } catch {
            // The storage is full or forbidden. A reload of the page then loses messages that are not sent.
        }
    }

    #load() {
        try {
            const kept = JSON.parse(sessionStorage.getItem(this.storageKey) ?? "[]");
            return Array.isArray(kept) ? kept.filter((entry) => entry?.request?.client_id) : [];
        } catch {
            return [];
        }
    }
}
