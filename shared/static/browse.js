// Lets the forms of the pages send other methods than GET and POST, and shows the answer on the same page.
"use strict";

(() => {
    const show = () => {
        for (const element of document.querySelectorAll("[data-scripted], .scripted")) element.hidden = false;
    };

    // For PATCH, only the fields that were changed. For other methods, all fields.
    const body = (form, method) => {
        const data = new URLSearchParams(new FormData(form));
        if (method !== "PATCH" || data.has("_content")) return data;
        for (const element of form.elements) {
            if (element.type === "hidden" || !element.name) continue;
            const options = element.options ? [...element.options] : [];
            const before = element.options
                ? (options.find((option) => option.defaultSelected) ?? options[0])?.value
                : element.defaultValue;
            if (element.value === before) data.delete(element.name);
        }
        return data;
    };

    const send = async (method, data) => {
        const answer = document.querySelector(".answer");
        const headers = { Accept: "text/html" };
        if (answer.dataset.csrf) headers["X-CSRFToken"] = answer.dataset.csrf;
        if (answer.dataset.etag && method !== "OPTIONS") headers["If-Match"] = answer.dataset.etag;
        const network = document.getElementById("network");
        network.hidden = true;
        document.body.setAttribute("aria-busy", "true");
        try {
            const response = await fetch(answer.dataset.path, {
                method,
                headers,
                body: data,
                credentials: "same-origin",
            });
            const page = new DOMParser().parseFromString(await response.text(), "text/html");
            const main = page.getElementById("main");
            if (!main) throw new Error("no page");
            document.title = page.title;
            document.getElementById("main").replaceWith(document.adoptNode(main));
            show();
            (document.querySelector("[autofocus][aria-invalid]") ?? document.getElementById("main")).focus();
        } catch {
            network.hidden = false;
        } finally {
            document.body.removeAttribute("aria-busy");
        }
    };

    document.addEventListener("submit", (event) => {
        const method = event.target.dataset.method;
        if (!method || method === "POST") return;
        event.preventDefault();
        send(method, body(event.target, method));
    });

    document.addEventListener("click", (event) => {
        const button = event.target.closest("button[data-method]");
        if (!button) return;
        const dialog = button.dataset.confirm && document.getElementById(button.dataset.confirm);
        if (!dialog) return send(button.dataset.method);
        dialog.addEventListener(
            "close",
            () => {
                if (dialog.returnValue === "yes") send(button.dataset.method);
            },
            { once: true },
        );
        dialog.returnValue = "";
        dialog.showModal();
    });

    show();
})();
