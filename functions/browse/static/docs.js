// The documentation page: Swagger UI for the API's own description. Its requests go to this API only, with the access token
// that the reader enters, or else with the cookie of the session. The page does not store the token.
"use strict";

(() => {
    const place = document.getElementById("docs");

    /** Swagger UI shows dark colours under this class. */
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const setColours = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
    dark.addEventListener("change", setColours);
    setColours();

    const cookie = (name) =>
        document.cookie
            .split("; ")
            .find((pair) => pair.startsWith(`${name}=`))
            ?.slice(name.length + 1);

    /** Adds the CSRF token to a request that changes something with the cookie. */
    const addCsrfToken = (request) => {
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
            // The page has its own heading, and the links of the original lead nowhere.
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
            // This API is the only server.
            ServersContainer: none,
            // Only the access token can be entered. The browser manages the cookie.
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
        requestInterceptor: addCsrfToken,
        onComplete: () => place.removeAttribute("aria-busy"),
    });
})();
