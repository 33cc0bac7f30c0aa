// Accessibility that Swagger UI lacks: names of its controls, areas that scroll with the keyboard, a dialog with its role and
// its focus.
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

    const addAttributes = () => {
        for (const [selector, attributes] of Object.entries(ATTRIBUTES)) {
            for (const element of place.querySelectorAll(selector)) {
                for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
            }
        }
        // The text of these buttons is their name.
        for (const button of place.querySelectorAll(".auth-btn-wrapper button")) button.removeAttribute("aria-label");
        for (const row of place.querySelectorAll("[data-param-name]")) {
            const controls = row.querySelectorAll("input, select, textarea");
            for (const control of controls) control.setAttribute("aria-label", row.dataset.paramName);
        }
    };

    const dialog = () => place.querySelector(".modal-ux");
    let isOpen = false;
    let before = null;

    /** Moves the focus into a dialog that opens, and back when it closes. */
    const moveFocus = () => {
        const opened = dialog();
        if (opened && !isOpen && !opened.contains(document.activeElement)) {
            opened.querySelector("input, form button")?.focus();
        }
        if (!opened && isOpen) before?.focus();
        isOpen = Boolean(opened);
    };

    const keepFocusInside = (event) => {
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
        addAttributes();
        moveFocus();
    }).observe(place, { childList: true, subtree: true });
    document.addEventListener("keydown", keepFocusInside);
    document.addEventListener("focusin", ({ target }) => {
        if (!target.closest(".dialog-ux")) before = target;
    });
})();
