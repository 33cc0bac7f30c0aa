// The chat page: connects its parts. The page works without this script too. With it, messages are received, sent and marked
// as read without loading the page again.

import { Failure } from "./chat-api.js";
import { Conversation } from "./chat-conversation.js";
import { Inbox, startForm } from "./chat-inbox.js";
import { Poll } from "./chat-live.js";
import { startMenu } from "./chat-menu.js";
import { Socket } from "./chat-socket.js";
import { setText } from "./chat-thread.js";

const INBOX_EVERY = 15_000;
const REQUESTS_EVERY = 60_000;

const page = document.querySelector("#chat");
const notice = document.querySelector("#notice");
const section = page.querySelector(".conversation");
const user = { id: page.dataset.user, name: page.dataset.name };

// Idempotency keys contain the server's time. The clock of this device can be wrong by hours.
const loaded = Date.parse(page.dataset.now) - performance.now();
const clock = () => loaded + performance.now();

const inbox = new Inbox(page.querySelector(".inbox"), { user: user.id, current: section?.dataset.conversation });
let inboxAsked = performance.now();
let inboxTimer = 0;
startForm(page.querySelector(".start"));

const conversation =
    section &&
    new Conversation(section, {
        user,
        clock,
        live: document.querySelector("#live"),
        news: () => poll?.now(),
        read: (unread) => inbox.read(unread),
        report: (message) => menu?.report(message),
    });
const menu = section && startMenu(section);

async function ask() {
    const news = Boolean(await conversation?.refresh());
    if (news || performance.now() - inboxAsked > INBOX_EVERY) {
        await refreshInbox();
    }
    return news;
}

async function refreshInbox() {
    inboxAsked = performance.now();
    const current = await inbox.refresh();
    if (current && section) {
        setText(section.querySelector("h2"), current);
    }
}

/** Refreshes the inbox, at most once a second, and not while the page is hidden. */
function refreshInboxSoon() {
    if (inboxTimer) return;
    inboxTimer = setTimeout(() => {
        inboxTimer = 0;
        if (!document.hidden) refreshInbox().catch(state);
    }, 1_000);
}

/** Shows why the page gets no answers, or hides the notice again. */
function state(failure) {
    if (failure && !(failure instanceof Failure)) {
        // An error in this script.
        reportError(failure);
        return;
    }
    notice.hidden = !failure;
    if (failure?.loggedOut) {
        const link = document.createElement("a");
        link.href = `/api-auth/login/?next=${encodeURIComponent(location.pathname + location.search)}`;
        notice.replaceChildren("You are logged out. ", setText(link, "Log in again"));
    } else if (failure?.status === 404) {
        setText(notice, "This conversation was deleted, or you are no longer a participant.");
    } else if (failure) {
        setText(notice, "There is no connection. Your messages are kept, and are sent when the connection is back.");
    }
}

// The next user of this browser must not see drafts and unsent messages.
document.querySelector("form[action='/api-auth/logout/']").addEventListener("submit", () => sessionStorage.clear());

const poll = new Poll(ask, state);
poll.start();
new Socket({
    live(isLive) {
        poll.setLive(isLive);
        refreshInboxSoon();
    },
    frame: show,
});
document.addEventListener("visibilitychange", refreshInboxSoon);
// No frame tells of an invitation.
setInterval(() => document.hidden || inbox.refreshWaiting().catch(state), REQUESTS_EVERY);

/** Shows what a frame contains, or asks for it. */
function show(frame) {
    const { type } = frame;
    if (!["message.created", "message.changed", "conversation.changed", "participant.changed", "read"].includes(type)) {
        return;
    }
    const isShown = type === "read" || (type === "message.created" && conversation?.receive(frame));
    if (!isShown && frame.conversation === conversation?.id) {
        poll.now();
    }
    refreshInboxSoon();
}

conversation?.markRead().catch(state);
addEventListener("focus", () => conversation?.markRead().catch(state));
if (page.hasAttribute("data-chosen") && matchMedia("(pointer: fine)").matches) {
    conversation?.focus();
}

/** Fetches earlier messages when their link comes near the screen, or is followed. */
const earlier = section?.querySelector(".earlier");
if (earlier) {
    const watch = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && fetchEarlier(), {
        root: section.querySelector(".log"),
        rootMargin: "400px 0px 0px 0px",
    });
    watch.observe(earlier);
    earlier.addEventListener("click", (event) => {
        event.preventDefault();
        fetchEarlier();
    });

    async function fetchEarlier() {
        // The link is observed again after each page, because a link that stays near is not reported twice. After a
        // failure, the reader has to follow it.
        watch.disconnect();
        if (earlier.ariaBusy === "true") return;
        earlier.ariaBusy = "true";
        try {
            if (await conversation.earlier()) {
                watch.observe(earlier);
            } else {
                if (earlier.contains(document.activeElement)) section.querySelector(".log").focus();
                earlier.remove();
            }
        } catch (failure) {
            state(failure);
        }
        earlier.ariaBusy = "false";
    }
}
