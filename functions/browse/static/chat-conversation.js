// The open conversation: shows new messages, sends what the reader writes, and marks as read what the reader has seen. It
// keeps the id of the last message and the number of the last change, with which the page asks for everything newer.

import { call, pages } from "./chat-api.js";
import { Composer } from "./chat-composer.js";
import { Edits } from "./chat-edits.js";
import { Outbox } from "./chat-outbox.js";
import { nameOf, setText, Thread } from "./chat-thread.js";

/** Returns the number of a message, the low 42 bits of its id; 0 for no message. */
const numberOf = (id) => (id ? parseInt(id.slice(-12), 16) % 2 ** 42 : 0);

const ANNOUNCED = 300; // Characters of a message that a screen reader announces, at most.

export class Conversation {
    /**
     * `news()` is called when there may be something new to ask for, `read(unread)` after the read mark was set, and
     * `report(message)` when the reader reports a message. An invitation has no form: the reader only reads.
     */
    constructor(section, { user, clock, live, news, read, report }) {
        Object.assign(this, { section, user, live, news, read, report });
        this.id = section.dataset.conversation;
        this.last = section.dataset.last || null; // Everything up to here was on the page.
        this.changes = Number(section.dataset.changes);
        this.lastMarked = null;
        // A view of older messages does not show new ones.
        this.past = section.hasAttribute("data-past");
        const form = section.querySelector(".compose");
        this.thread = new Thread(section, {
            user,
            canWrite: Boolean(form),
            act: (action, message) => this.#chooseAction(action, message),
        });
        this.edits = new Edits({ show: (message) => this.#changed(message), showDeleted: (id) => this.#deleted(id) });
        this.composer = form && this.#composer(form);
        this.outbox = new Outbox({
            user: user.id,
            clock,
            changed: (entry) => this.#pending(entry),
            sent: (entry, message) => this.#sent(entry, message),
        });
        this.thread.list.addEventListener("click", (event) => this.#clicked(event));
        this.thread.log.addEventListener("scrollend", () => this.markRead().catch(() => news()));
        this.outbox.resume();
    }

    focus() {
        this.composer?.field.focus();
    }

    #composer(form) {
        return new Composer(form, {
            storageKey: `draft ${this.user.id} ${this.id}`,
            send: (message) => this.#send(message),
            save: (message, body) => this.edits.save(message, body),
            last: () => this.thread.lastOwn(),
        });
    }

    /** Asks for new messages and changes. Returns true if there were any. */
    async refresh() {
        const news = !this.past && [await this.#messages(), await this.#changes()].includes(true);
        await this.markRead();
        return news;
    }

    /** Marks the conversation as read if its end is on the screen. */
    async markRead() {
        const message = this.last;
        const seen = !document.hidden && this.section.offsetParent !== null && this.thread.atEnd;
        if (this.past || !this.composer || !message || this.lastMarked === message || !seen) {
            return;
        }
        const { unread } = await call("PUT", `/api/conversations/${this.id}/read/`, { message });
        this.lastMarked = message;
        this.section.querySelector(".mark")?.remove();
        this.read(unread);
    }

    /** Fetches earlier messages. Returns true if there are more. */
    async earlier() {
        const first = this.thread.list.querySelector(".m").id.slice(2);
        const path = `/api/messages/?conversation=${this.id}&before=${first}&tombstones=1&limit=50`;
        const { results, next } = await call("GET", path);
        for (const message of results) this.thread.show(message);
        this.thread.regroup();
        return Boolean(next);
    }

    /** Shows the message of a frame if it is the next one of this conversation. Returns false if the page has to ask. */
    receive({ conversation, number, message }) {
        const isNext = conversation === this.id && message && number === numberOf(this.last) + 1 && !this.past;
        if (isNext) {
            this.#keepScrollPosition(() => this.#receive(message));
            this.#advance(message.message_id);
            this.markRead().catch(() => this.news());
        }
        return isNext;
    }

    async #messages() {
        let news = false;
        const after = this.last ? `after=${this.last}` : "order=oldest";
        const path = `/api/messages/?conversation=${this.id}&${after}&tombstones=1&limit=100`;
        for await (const results of pages(path)) {
            this.#keepScrollPosition(() => {
                for (const message of results) this.#receive(message);
            });
            news ||= results.length > 0;
            this.#advance(results.at(-1)?.message_id);
        }
        return news;
    }

    /** A frame can be ahead of an answer, so `last` only moves forward. */
    #advance(id) {
        if (numberOf(id) > numberOf(this.last)) this.last = id;
    }

    #receive(message) {
        const own = message.sender?.user_id === this.user.id;
        if (own) {
            this.outbox.acknowledge(message);
        }
        if (this.thread.show(message) && !own && !message.deleted_at && !message.masked) {
            setText(this.live, `${nameOf(message.sender)}: ${message.message_body.slice(0, ANNOUNCED)}`);
        }
    }

    async #changes() {
        let news = false;
        for await (const results of pages(`/api/conversations/${this.id}/changes/?after=${this.changes}&limit=100`)) {
            const deleted = results.filter(({ kind }) => kind === "message_deleted");
            this.#keepScrollPosition(() => {
                for (const { message } of deleted) this.thread.showDeleted(message);
            });
            for (const change of results) {
                await this.#applyChange(change);
                this.changes = change.number;
                news = true;
            }
        }
        return news;
    }

    /** Fetches a message again if the page shows an older revision than the change. */
    async #applyChange({ message, revision }) {
        const item = message && this.thread.find(message);
        if (!item || item.querySelector(".gone") || Number(item.dataset.revision) >= revision) {
            return;
        }
        try {
            const changed = await call("GET", `/api/messages/${message}/`);
            this.#keepScrollPosition(() => this.thread.show(changed));
        } catch (failure) {
            if (failure.status !== 404) throw failure;
            this.#keepScrollPosition(() => this.thread.showDeleted(message));
        }
    }

    #chooseAction(action, message) {
        const actions = {
            reply: () => this.composer.startReply(message),
            edit: () => this.composer.edit(message),
            delete: () => this.edits.confirm(message),
            report: () => this.report(message),
        };
        actions[action]();
    }

    /** Shows an edited message of the reader. */
    #changed(message) {
        this.#keepScrollPosition(() => this.thread.show(message));
        setText(this.live, "Saved.");
        this.news();
    }

    #deleted(id) {
        this.#keepScrollPosition(() => this.thread.showDeleted(id));
        // The button that had the focus was removed.
        const item = this.thread.find(id);
        if (item && document.activeElement === document.body) {
            item.tabIndex = -1;
            item.focus({ preventScroll: true });
        }
        setText(this.live, "Deleted.");
        this.news();
    }

    #send({ body, replyTo }) {
        this.outbox.add({ conversation: this.id, body, replyTo, after: this.last });
        this.thread.scrollToEnd();
    }

    #pending(entry) {
        if (entry.request.conversation === this.id) {
            this.#keepScrollPosition(() => this.thread.showPending(entry));
        }
        if (entry.state === "refused" || entry.state === "failed") {
            setText(this.live, `A message was not sent. ${entry.detail}`);
        }
    }

    #sent(entry, message) {
        if (entry.request.conversation === this.id) {
            this.#keepScrollPosition(() => this.thread.acknowledge(entry, this.past ? null : message));
            this.news();
        }
    }

    #clicked(event) {
        const button = event.target.closest("[data-action]");
        const entry = this.outbox.entries.find(({ request }) => request.client_id === button?.dataset.client);
        if (!entry) {
            return;
        }
        if (button.dataset.action === "retry") {
            this.outbox.retry();
            this.focus();
            return;
        }
        this.outbox.discard(entry);
        if (button.dataset.action === "rewrite") {
            this.composer?.restore(entry.request.message_body);
        }
        this.focus();
    }

    /** Changes the messages without moving the reader: the end stays at the end, any other place stays in view. */
    #keepScrollPosition(change) {
        const { log } = this.thread;
        const wasAtEnd = this.thread.atEnd;
        const [height, top] = [log.scrollHeight, log.scrollTop];
        change();
        this.thread.regroup();
        log.scrollTop = wasAtEnd ? 0 : top - (log.scrollHeight - height);
    }
}
