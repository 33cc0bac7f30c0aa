// Requests to the API with the session's cookie. A failure whose outcome is unknown (no answer, 408, 429, 5xx) is `open`: the
// caller may try again. Every other failure is final.

const WAIT = 25_000; // Milliseconds. The gateway answers within 20 s.

/** A request without an answer, or with an answer that is not a success. */
export class Failure extends Error {
    constructor(detail, { status = 0, code = "", retryAfter = 0 } = {}) {
        super(detail);
        this.status = status;
        this.code = code;
        this.retryAfter = retryAfter;
    }

    /** True if the same request may have succeeded, or may succeed later. */
    get open() {
        return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
    }

    /** True if the session has ended. */
    get loggedOut() {
        return this.status === 401 || this.code === "csrf_failed";
    }
}

const token = () => document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";

/** Sends a request, with `more` headers. Returns the JSON of the answer, or `null` if it has no body. */
export async function call(method, path, body, more = {}) {
    const headers = { Accept: "application/json", ...more };
    if (method !== "GET") {
        headers["X-CSRFToken"] = token();
    }
    if (body !== undefined) {
        headers["Content-Type"] = "application/json";
    }
    let response, text;
    try {
        response = await fetch(path, {
            method,
            headers,
            body: body === undefined ? undefined : JSON.stringify(body),
            credentials: "same-origin",
            signal: AbortSignal.timeout(WAIT),
        });
        text = await response.text();
    } catch {
        throw new Failure("The server did not answer.");
    }
    return read(response, text);
}

function read(response, text) {
    let answer = null;
    try {
        answer = text ? JSON.parse(text) : null;
    } catch {
        // Something else has answered: a proxy, or a login page of a network.
        throw new Failure("The response is not from this API.", { status: response.ok ? 0 : response.status });
    }
    if (response.ok) {
        return answer;
    }
    const { status } = response;
    const retryAfter = Number(response.headers.get("Retry-After")) || 0;
    throw new Failure(problemText(answer, status), { status, code: answer?.code, retryAfter });
}

/** Returns the text of a problem: the errors of its fields, or else its detail. */
function problemText(problem, status) {
    const fields = Object.entries(problem?.errors ?? {});
    const errors = fields.map(([field, reasons]) => `${field.replaceAll("_", " ")} ${[reasons].flat().join(", ")}`);
    return errors.join("; ") || problem?.detail || `The server answered with status ${status}.`;
}

/** Yields the results of a list page by page, at most `most` pages. */
export async function* pages(path, most = 20) {
    for (let next = path, page = 0; next && page < most; page += 1) {
        const list = await call("GET", next);
        yield list.results;
        // Without the host: behind a proxy, the scheme of the link can differ from that of the page.
        next = list.next && next !== list.next ? list.next.replace(/^[a-z]+:\/\/[^/]+/u, "") : null;
    }
}

/** Returns a UUIDv7 (RFC 9562): `now` in milliseconds, then random bits. */
export function uuidv7(now) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    for (let index = 5, rest = Math.floor(now); index >= 0; index -= 1, rest = Math.floor(rest / 256)) {
        bytes[index] = rest % 256;
    }
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/u, "$1-$2-$3-$4-");
}
