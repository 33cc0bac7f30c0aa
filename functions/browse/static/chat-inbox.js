// The list beside the conversation, the sign for waiting requests, and the form that starts a conversation.

import { call } from "./chat-api.js";
import { nameOf, setText, showAvatar, textOf } from "./chat-thread.js";
import { fullTime, shortTime } from "./chat-times.js";

/** Returns the title of a conversation: its name, or the names of the other participants. */
function titleOf(conversation, user) {
    const others = conversation.participants.filter(({ user_id }) => user_id !== user);
    const rest = conversation.participant_count - 1 - others.slice(0, 3).length;
    const names = others.slice(0, 3).map(nameOf).join(", ") || "Only you";
    return conversation.name || (rest > 0 ? `${names} and ${rest} more` : names);
}

export class Inbox {
    constructor(element, { user, current }) {
        this.list = element.querySelector(".conversations"); // None if the page lists users.
        this.waiting = element.querySelector(".waiting");
        this.empty = element.querySelector(".empty");
        this.template = document.querySelector("#conversation-template");
        this.user = user;
        this.current = current;
        for (const stamp of element.querySelectorAll("time")) {
            showLocalTime(stamp);
        }
        this.#count();
    }

    /** Fetches and shows the first page; older entries stay below it. Returns the title of the open conversation. */
    async refresh() {
        if (!this.list) {
            return undefined;
        }
        const { results } = await call("GET", this.list.dataset.source);
        const fresh = results.map((conversation) => this.#item(conversation));
        const ids = new Set(results.map(({ conversation_id }) => conversation_id));
        const focused = document.activeElement?.closest?.(".c")?.dataset.conversation;
        const below = [...this.list.children]
            .slice(results.length)
            .filter((item) => !ids.has(item.firstElementChild.dataset.conversation));
        this.list.replaceChildren(...fresh, ...below);
        this.list.querySelector(`[data-conversation="${focused}"]`)?.focus({ preventScroll: true });
        this.empty.hidden = this.list.children.length > 0;
        this.#count();
        const current = results.find(({ conversation_id }) => conversation_id === this.current);
        return current && titleOf(current, this.user);
    }

    /** Asks if a request waits for an answer, and shows it. */
    async refreshWaiting() {
        const { results } = await call("GET", "/api/conversations/?state=invited&limit=1&messages=0");
        this.waiting.hidden = results.length === 0;
    }

    /** Updates the unread count of the open conversation. */
    read(unread) {
        const badge = this.list?.querySelector(`[data-conversation="${this.current}"] .unread`);
        if (badge && unread === 0) {
            badge.remove();
        }
        this.#count();
    }

    #item(conversation) {
        const item = this.template.content.firstElementChild.cloneNode(true);
        const link = item.querySelector("a");
        const id = conversation.conversation_id;
        const title = titleOf(conversation, this.user);
        const last = conversation.last_message;
        link.href = `${this.list.dataset.link}conversation=${id}`;
        link.dataset.conversation = id;
        if (id === this.current) link.setAttribute("aria-current", "page");
        setText(link.querySelector(".title span"), title);
        if (!conversation.muted) link.querySelector(".muted").remove();
        const other = conversation.participants.find(({ user_id }) => user_id !== this.user);
        showAvatar(link.querySelector(".avatar"), title, conversation.kind === "direct" ? (other?.user_id ?? id) : id);
        const stamp = link.querySelector("time");
        stamp.dateTime = last?.sent_at ?? conversation.created_at;
        showLocalTime(stamp);
        const own = last?.sender?.user_id === this.user;
        const who = own
            ? "You: "
            : conversation.kind === "group"
              ? `${last?.sender?.first_name || "Unknown user"}: `
              : "";
        setText(link.querySelector(".preview"), last ? `${who}${textOf(last).slice(0, 160)}` : "No messages yet");
        const badge = link.querySelector(".unread");
        if (conversation.unread === 0) badge.remove();
        else setText(badge.firstElementChild, `${conversation.unread}${conversation.unread_more ? "+" : ""}`);
        return item;
    }

    /** Shows the number of unread conversations in the title of the tab. */
    #count() {
        const unread = this.list?.querySelectorAll(".unread").length ?? 0;
        document.title = document.title.replace(/^\(\d+\) /u, "");
        if (unread > 0) document.title = `(${unread}) ${document.title}`;
    }
}

function showLocalTime(stamp) {
    const time = new Date(stamp.dateTime);
    setText(stamp, shortTime(time)).title = fullTime(time);
}

/** Opens the direct conversation with the user of an email address. */
export function startForm(details) {
    details.hidden = false;
    const form = details.querySelector("form");
    const error = form.querySelector("[role=alert]");
    const field = form.elements.email;
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        setText(error, "");
        const button = form.querySelector("button");
        button.disabled = true;
        try {
            const { results } = await call("GET", `/api/users/?email=${encodeURIComponent(field.value.trim())}`);
            if (!results.length) throw new Error("No user has this email address.");
            // Two users have one direct conversation, so that a repeated request needs no idempotency key.
            const { conversation_id } = await call("POST", "/api/conversations/", {
                kind: "direct",
                participants: [results[0].user_id],
            });
            location.assign(`/?conversation=${conversation_id}`);
        } catch (failure) {
            setText(error, failure.message);
            button.disabled = false;
            field.focus();
        }
    });
}
