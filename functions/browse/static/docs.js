// The documentation: Swagger UI on the API's own description. What is asked here is asked of this API alone, by the token
// that was entered, which is forgotten with the page, or else by the cookie of who is logged in.
"use strict";

(() => {
    const place = document.getElementById("docs");

    /** Swagger UI has its dark colours under a class. */
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const dress = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
    dark.addEventListener("change", dress);
    dress();

    const cookie = (name) =>
        document.cookie
            .split("; ")
            .find((pair) => pair.startsWith(`${name}=`))
            ?.slice(name.length + 1);

    /** What is asked by cookie shows that it is asked from here. */
    const prove = (request) => {
        const isSafe = ["GET", "HEAD", "OPTIONS"].includes(request.method ?? "GET");
        const token = cookie("csrftoken");
        if (token && !isSafe && !request.headers.Authorization) request.headers["X-CSRFToken"] = token;
        return request;
    };

    const none = () => () => null;

    const ours = ({ React: { createElement: create } }) => ({
        components: {
            // A link inside the button that opens an operation would be a control inside a control.
            DeepLink: ({ text }) => create("span", null, text),
        },
        wrapComponents: {
            // Below the page's own heading, without links that lead nowhere.
            InfoContainer:
                () =>
                ({ specSelectors, getComponent }) => {
                    const [info, Markdown] = [specSelectors.info(), getComponent("Markdown", true)];
                    const title = create("h2", null, `${info.get("title") ?? ""} ${info.get("version") ?? ""}`);
                    return create(
                        "div",
                        { className: "about" },
                        title,
                        create(Markdown, { source: info.get("description") ?? "" }),
                    );
                },
            // There is one server: this one.
            ServersContainer: none,
            // The cookie and its token are the browser's, and cannot be entered.
            auths: (Original) => (props) => (props.definitions.has("accessToken") ? create(Original, props) : null),
        },
    });

    SwaggerUIBundle({
        domNode: place,
        url: place.dataset.schema,
        presets: [SwaggerUIBundle.presets.apis],
        plugins: [ours],
        layout: "BaseLayout",
        deepLinking: true,
        defaultModelsExpandDepth: 0,
        displayRequestDuration: true,
        persistAuthorization: false,
        validatorUrl: null,
        requestInterceptor: prove,
        onComplete: () => place.removeAttribute("aria-busy"),
    });
})();
