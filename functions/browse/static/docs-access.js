// What Swagger UI leaves out for who does not see it, or has no mouse: names of its controls, panes that scroll by the
// keyboard, a dialog that is one.
"use strict";

(() => {
    const place = document.getElementById("docs");

    const ATTRIBUTES = {
        ".copy-to-clipboard button": { "aria-label": "Copy" },
        ".microlight": { tabindex: "0" },
        ".body-param__text": { "aria-label": "Request body" },
        ".close-modal": { "aria-label": "Close" },
        ".modal-ux": { role: "dialog", "aria-modal": "true", "aria-label": "Authorize" },
        "#auth-accessToken-value": { "aria-label": "Value: the access token", autocomplete: "off" },
    };

    const mend = () => {
        for (const [selector, attributes] of Object.entries(ATTRIBUTES)) {
            for (const element of place.querySelectorAll(selector)) {
                for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
            }
        }
        // Their text is what they are called by.
        for (const button of place.querySelectorAll(".auth-btn-wrapper button")) button.removeAttribute("aria-label");
        for (const row of place.querySelectorAll("[data-param-name]")) {
            const controls = row.querySelectorAll("input, select, textarea");
            for (const control of controls) control.setAttribute("aria-label", row.dataset.paramName);
        }
    };

    const dialog = () => place.querySelector(".modal-ux");
    let isOpen = false;
    let before = null;

    /** A dialog takes the focus when it opens, and gives it back. */
    const follow = () => {
        const opened = dialog();
        if (opened && !isOpen && !opened.contains(document.activeElement)) {
            opened.querySelector("input, form button")?.focus();
        }
        if (!opened && isOpen) before?.focus();
        isOpen = Boolean(opened);
    };

    const keep = (event) => {
        if (!dialog()) return;
        if (event.key === "Escape") dialog().querySelector(".close-modal").click();
        if (event.key !== "Tab") return;
        const controls = [...dialog().querySelectorAll("input, button")];
        const [first, last] = [controls[0], controls.at(-1)];
        if (document.activeElement === (event.shiftKey ? first : last)) {
            event.preventDefault();
            (event.shiftKey ? last : first).focus();
        }
    };

    new MutationObserver(() => {
        mend();
        follow();
    }).observe(place, { childList: true, subtree: true });
    document.addEventListener("keydown", keep);
    document.addEventListener("focusin", ({ target }) => {
        if (!target.closest(".dialog-ux")) before = target;
    });
})();
