// The list of conversations: kept up to date, and the form that starts one.

import { call } from "./chat-api.js";
import { dress, nameOf, say } from "./chat-thread.js";
import { fullTime, shortTime } from "./chat-times.js";

/** What a conversation is called: by its name, or by those that the reader talks to in it. */
function titleOf(conversation, user) {
    const others = conversation.participants.filter(({ user_id }) => user_id !== user);
    const rest = conversation.participant_count - 1 - others.slice(0, 3).length;
    const names = others.slice(0, 3).map(nameOf).join(", ") || "Only you";
    return conversation.name || (rest > 0 ? `${names} and ${rest} more` : names);
}

export class Inbox {
    constructor(element, { user, current }) {
        this.list = element.querySelector(".conversations");
        this.empty = element.querySelector(".empty");
        this.template = document.querySelector("#conversation-template");
        this.user = user;
        this.current = current;
        for (const stamp of this.list.querySelectorAll("time")) {
            localise(stamp);
        }
        this.#count();
    }

    /** Asks for the first page and shows it; what is below it on the page stays there. Answers the current one's title. */
    async refresh() {
        const { results } = await call("GET", "/api/conversations/?limit=20&messages=0");
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

    /** The current one is read. */
    read(unread) {
        const badge = this.list.querySelector(`[data-conversation="${this.current}"] .unread`);
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
        link.href = `/?conversation=${id}`;
        link.dataset.conversation = id;
        if (id === this.current) link.setAttribute("aria-current", "page");
        say(link.querySelector(".title"), title);
        const other = conversation.participants.find(({ user_id }) => user_id !== this.user);
        dress(link.querySelector(".avatar"), title, conversation.kind === "direct" ? (other?.user_id ?? id) : id);
        const stamp = link.querySelector("time");
        stamp.dateTime = last?.sent_at ?? conversation.created_at;
        localise(stamp);
        const own = last?.sender?.user_id === this.user;
        const who = own ? "You: " : conversation.kind === "group" ? `${last?.sender?.first_name || "Somebody"}: ` : "";
        say(link.querySelector(".preview"), last ? `${who}${last.message_body.slice(0, 160)}` : "No messages yet");
        const badge = link.querySelector(".unread");
        if (conversation.unread === 0) badge.remove();
        else say(badge.firstElementChild, `${conversation.unread}${conversation.unread_more ? "+" : ""}`);
        return item;
    }

    /** How many conversations have something unread stands in the tab's title. */
    #count() {
        const unread = this.list.querySelectorAll(".unread").length;
        document.title = document.title.replace(/^\(\d+\) /u, "");
        if (unread > 0) document.title = `(${unread}) ${document.title}`;
    }
}

function localise(stamp) {
    const time = new Date(stamp.dateTime);
    say(stamp, shortTime(time)).title = fullTime(time);
}

/** Opens the conversation with somebody by their email. */
export function startForm(details) {
    details.hidden = false;
    const form = details.querySelector("form");
    const error = form.querySelector("[role=alert]");
    const field = form.elements.email;
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        say(error, "");
        const button = form.querySelector("button");
        button.disabled = true;
        try {
            const { results } = await call("GET", `/api/users/?email=${encodeURIComponent(field.value.trim())}`);
            if (!results.length) throw new Error("Nobody here has that address.");
            // One direct conversation stands for two people however often it is opened, so that this needs no key.
            const { conversation_id } = await call("POST", "/api/conversations/", {
                kind: "direct",
                participants: [results[0].user_id],
            });
            location.assign(`/?conversation=${conversation_id}`);
        } catch (failure) {
            say(error, failure.message);
            button.disabled = false;
            field.focus();
        }
    });
}
