// The messages of the open conversation, in the order of their numbers, grouped by sender and day. Messages that are not
// acknowledged yet follow at the end. Text of users is set as text and never as HTML.

import { call } from "./chat-api.js";
import { clockTime, dayKey, dayName, fullTime } from "./chat-times.js";

const GROUP = 5 * 60_000; // Milliseconds. A longer pause begins a new group.
const DELETED = "A deleted message";
const NEAR = 60; // Pixels. A reader this close to the end sees new messages without scrolling.

/** Returns the text of a message that is not deleted, or a note in its place. */
export const textOf = (message) =>
    message.masked ? "You have blocked the sender of this message." : message.message_body;

export const nameOf = (user) =>
    [user?.first_name, user?.last_name].filter(Boolean).join(" ") || user?.email || "Unknown user";

export class Thread {
    /**
     * `act(action, message)` is called when the reader chooses `reply`, `edit`, `delete` or `report` for a message. A reader
     * who cannot write has only the choice to report.
     */
    constructor(section, { user, canWrite, act }) {
        this.section = section;
        this.user = user;
        this.canWrite = canWrite;
        this.log = section.querySelector(".log");
        this.list = section.querySelector(".messages");
        this.template = document.querySelector("#message-template");
        this.act = act;
        this.quoted = new Map();
        for (const item of this.list.querySelectorAll(".m")) {
            this.#addControls(item);
        }
        this.list.addEventListener("click", (event) => this.#clicked(event));
        this.regroup();
    }

    get atEnd() {
        return this.log.scrollTop > -NEAR; // The log is laid out from its end: 0 is the end.
    }

    scrollToEnd() {
        this.log.scrollTop = 0;
    }

    find(id) {
        return document.getElementById(`m-${id}`);
    }

    /** Shows a new or changed message. Returns true if it is new. */
    show(message) {
        const old = this.find(message.message_id);
        if (old && Number(old.dataset.revision) >= message.revision && !message.deleted_at) {
            return false;
        }
        const item = this.#item(message);
        if (old) {
            old.replaceWith(item);
            this.#updateQuotes(message.message_id);
        } else {
            this.#insert(item);
        }
        return !old;
    }

    /** Replaces a deleted message by a line that says so. */
    showDeleted(id) {
        const item = this.find(id);
        if (item) {
            item.querySelector(".quote")?.remove();
            item.querySelector(".edited")?.remove();
            item.querySelector(".acts")?.remove();
            setText(item.querySelector(".text"), "This message was deleted.").classList.add("gone");
        }
        this.#updateQuotes(id);
    }

    /** Shows a message that is not acknowledged yet. */
    showPending(entry) {
        const { request } = entry;
        const id = `p-${request.client_id}`;
        const old = document.getElementById(id);
        if (entry.state === "gone") {
            old?.remove();
            return;
        }
        const item = this.#item({
            message_id: request.client_id,
            sender: { user_id: this.user.id, first_name: this.user.name },
            message_body: request.message_body,
            sent_at: new Date(entry.written).toISOString(),
            reply_to: request.reply_to,
            revision: 0,
        });
        item.id = id;
        item.querySelector(".acts")?.remove();
        item.classList.add("pending", entry.state);
        item.querySelector(".bubble").append(this.#state(entry));
        if (old) {
            old.replaceWith(item);
        } else {
            this.list.append(item);
        }
    }

    /** Replaces a pending message by the message that the API returned or listed. */
    acknowledge(entry, message) {
        document.getElementById(`p-${entry.request.client_id}`)?.remove();
        if (message) {
            this.show(message);
        }
    }

    #state(entry) {
        const line = document.createElement("p");
        line.className = "state";
        const texts = {
            sending: "Sending …",
            waiting: "Not sent yet. Trying again …",
            failed: entry.loggedOut ? "Not sent: you are logged out." : "Not sent.",
            refused: `Not sent: ${entry.detail}`,
        };
        line.textContent = texts[entry.state];
        const actions = { waiting: ["retry"], failed: ["retry", "discard"], refused: ["rewrite", "discard"] };
        const labels = { retry: "Try again", discard: "Discard", rewrite: "Edit" };
        for (const action of actions[entry.state] ?? []) {
            const button = document.createElement("button");
            button.type = "button";
            button.dataset.action = action;
            button.dataset.client = entry.request.client_id;
            button.textContent = labels[action];
            line.append(" ", button);
        }
        return line;
    }

    /** Returns an element for a message, made from the page's template. */
    #item(message) {
        const item = this.template.content.firstElementChild.cloneNode(true);
        const sender = nameOf(message.sender);
        const own = message.sender?.user_id === this.user.id;
        item.id = `m-${message.message_id}`;
        item.classList.toggle("own", own);
        item.dataset.sender = message.sender?.user_id ?? "";
        item.dataset.revision = message.revision;
        setText(item.querySelector(".name"), sender);
        showAvatar(item.querySelector(".avatar"), sender, item.dataset.sender);
        const stamp = item.querySelector("time");
        stamp.dateTime = message.sent_at;
        if (!message.edited_at) item.querySelector(".edited").remove();
        if (!message.reply_to || message.deleted_at) item.querySelector(".quote").remove();
        else this.#fillQuote(item.querySelector(".quote"), message.reply_to);
        const text = item.querySelector(".text");
        setText(text, message.deleted_at ? "This message was deleted." : textOf(message));
        text.classList.toggle("gone", Boolean(message.deleted_at || message.masked));
        this.#addControls(item);
        return item;
    }

    /** Returns the last message of the reader that can be edited, or `null`. */
    lastOwn() {
        const item = [...this.list.querySelectorAll(".m.own:not(.pending)")].findLast((own) =>
            own.querySelector(".acts"),
        );
        return item ? toMessage(item) : null;
    }

    /** Adds the local time and the buttons of a message. */
    #addControls(item) {
        const stamp = item.querySelector("time");
        const time = new Date(stamp.dateTime);
        setText(stamp, clockTime(time)).title = fullTime(time);
        if (!item.querySelector(".gone")) {
            const acts = document.createElement("span");
            acts.className = "acts";
            const sender = item.querySelector(".name").textContent;
            const own = item.classList.contains("own");
            if (this.canWrite) acts.append(actionButton("reply", "Reply", `Reply to ${sender}`));
            if (this.canWrite && own) {
                acts.append(
                    actionButton("edit", "Edit", "Edit your message"),
                    actionButton("delete", "Delete", "Delete your message"),
                );
            }
            if (!own) acts.append(actionButton("report", "Report", `Report the message of ${sender}`));
            item.querySelector(".meta").prepend(acts);
        }
    }

    /** Fills in the quoted message. A message that is not on the page is fetched. */
    async #fillQuote(link, id) {
        link.href = `/?conversation=${this.section.dataset.conversation}&around=${id}#m-${id}`;
        const shown = this.find(id);
        const [who, text] = shown ? contentsOf(shown) : await this.#fetchContents(id);
        setText(link.querySelector(".quote-name"), who);
        setText(link.querySelector(".quote-text"), text);
    }

    /** Updates every quote of a message. */
    #updateQuotes(id) {
        this.quoted.delete(id);
        for (const link of this.list.querySelectorAll(`.quote[href$="#m-${id}"]`)) {
            this.#fillQuote(link, id);
        }
    }

    #fetchContents(id) {
        if (!this.quoted.has(id)) {
            // By `around`: a deleted message is then part of a page, where its own address would answer 404.
            const path = `/api/messages/?conversation=${this.section.dataset.conversation}&around=${id}&limit=1&tombstones=1`;
            const asked = call("GET", path).then(({ results }) => {
                const found = results.find(({ message_id, deleted_at }) => message_id === id && !deleted_at);
                return found ? [nameOf(found.sender), textOf(found)] : ["", DELETED];
            });
            this.quoted.set(
                id,
                asked.catch(() => this.quoted.delete(id) && ["", "An earlier message"]),
            );
        }
        return this.quoted.get(id);
    }

    /** Inserts a new element in the order of numbers. Ids of one conversation sort as their numbers do. */
    #insert(item) {
        const later = [...this.list.querySelectorAll(".m")].find(
            (other) => other.classList.contains("pending") || other.id > item.id,
        );
        this.list.insertBefore(item, later ?? null);
    }

    #clicked(event) {
        const link = event.target.closest(".quote");
        const target = link && document.getElementById(new URL(link.href).hash.slice(1));
        if (target) {
            event.preventDefault();
            target.tabIndex = -1;
            target.focus({ preventScroll: true });
            target.scrollIntoView({ block: "center" });
        }
        const button = event.target.closest("[data-act]");
        if (button) this.act(button.dataset.act, toMessage(button.closest(".m")));
    }

    /** Marks the first message of each group, and adds a line for each day. */
    regroup() {
        for (const line of this.list.querySelectorAll(".day")) {
            line.remove();
        }
        let earlier = null;
        for (const item of this.list.querySelectorAll(".m")) {
            const time = new Date(item.querySelector("time").dateTime);
            const sameDay = earlier && dayKey(earlier.time) === dayKey(time);
            if (!sameDay) {
                const divider = item.previousElementSibling?.matches(".fresh") ? item.previousElementSibling : item;
                divider.before(dayLine(time));
            }
            const near = sameDay && earlier.sender === item.dataset.sender && time - earlier.time < GROUP;
            item.classList.toggle("first", !near || Boolean(item.previousElementSibling?.matches(".fresh")));
            earlier = { time, sender: item.dataset.sender };
        }
    }
}

/** Returns the sender and the text of a message on the page. */
function contentsOf(item) {
    return item.querySelector(".gone")
        ? ["", DELETED]
        : [item.querySelector(".name").textContent, item.querySelector(".text").textContent];
}

/** Returns a message of the page as an object. */
function toMessage(item) {
    const [who, text] = contentsOf(item);
    return { id: item.id.slice(2), who, text, revision: Number(item.dataset.revision) };
}

function actionButton(action, text, label) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.act = action;
    button.setAttribute("aria-label", label);
    return setText(button, text);
}

function dayLine(time) {
    const line = document.createElement("li");
    line.className = "day";
    const heading = document.createElement("h3");
    const stamp = document.createElement("time");
    stamp.dateTime = time.toISOString();
    stamp.textContent = dayName(time);
    heading.append(stamp);
    line.append(heading);
    return line;
}

/** Sets the text of an element and returns the element. */
export function setText(element, text) {
    element.textContent = text;
    return element;
}

/** Shows the initials and the colour of a user or group. The server computes them in the same way. */
export function showAvatar(avatar, title, id) {
    const words = title.split(/\s+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word));
    const initials = words.slice(0, 2).map((word) => [...word][0].toUpperCase());
    setText(avatar, initials.join(""));
    avatar.className = `avatar hue-${parseInt(id.slice(0, 2), 16) % 8 || 0}`;
}
