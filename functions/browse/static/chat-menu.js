// The options of the open conversation. Its forms work without this script, which closes the menu and chooses the message of a
// report.

import { setText } from "./chat-thread.js";

/** Prepares the options of a conversation or an invitation. */
export function startMenu(section) {
    const menu = section.querySelector(".menu");
    const report = section.querySelector(".report");
    const form = report.querySelector("form");
    const close = () => {
        menu?.removeAttribute("open");
        choose(form, null);
    };
    document.addEventListener("click", (event) => {
        // A click that chooses a message to report opens the menu itself.
        if (menu?.open && !menu.contains(event.target) && !event.target.closest("[data-act=report]")) close();
    });
    report.addEventListener("toggle", () => report.open || choose(form, null));
    section.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && menu?.contains(document.activeElement)) {
            close();
            menu.querySelector("summary").focus();
        }
    });
    return {
        /** Opens the form that reports a message. */
        report(message) {
            menu?.setAttribute("open", "");
            report.open = true;
            choose(form, message);
            form.elements.reason.focus();
        },
    };
}

/** Makes the form report `message`, or the conversation if there is none. */
function choose(form, message) {
    form.elements.message.disabled = !message;
    form.elements.message.value = message?.id ?? "";
    setText(form.querySelector(".quote"), message?.text ?? "").hidden = !message;
}
