// Requests to the API with the session's cookie. What cannot be told (no answer, 5xx, 429) is marked as open, so that who
// asked may ask again; everything else is final.

const WAIT = 25_000; // The gateway answers within 20 s.

/** An answer that is none, or none of success. */
export class Failure extends Error {
    constructor(detail, { status = 0, code = "", retryAfter = 0 } = {}) {
        super(detail);
        this.status = status;
        this.code = code;
        this.retryAfter = retryAfter;
    }

    /** Whether the same request may still succeed, or may have. */
    get open() {
        return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
    }

    /** Whether the session is over. */
    get loggedOut() {
        return this.status === 401 || this.code === "csrf_failed";
    }
}

const token = () => document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";

/** Asks, with `more` headers than the usual; the answer's JSON, or `null` where there is none. */
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
        throw new Failure("There was no answer.");
    }
    return read(response, text);
}

function read(response, text) {
    let answer = null;
    try {
        answer = text ? JSON.parse(text) : null;
    } catch {
        // Something on the way has answered: a proxy, a captive portal.
        throw new Failure("The answer was none of the API's.", { status: response.ok ? 0 : response.status });
    }
    if (response.ok) {
        return answer;
    }
    const { status } = response;
    const retryAfter = Number(response.headers.get("Retry-After")) || 0;
    throw new Failure(words(answer, status), { status, code: answer?.code, retryAfter });
}

/** What a problem says to a person: of its fields where it has them. */
function words(problem, status) {
    const fields = Object.entries(problem?.errors ?? {});
    const said = fields.map(([field, reasons]) => `${field.replaceAll("_", " ")} ${[reasons].flat().join(", ")}`);
    return said.join("; ") || problem?.detail || `The answer was ${status}.`;
}

/** All results of a list, page by page in its order, at most `most` pages. */
export async function* pages(path, most = 20) {
    for (let next = path, page = 0; next && page < most; page += 1) {
        const list = await call("GET", next);
        yield list.results;
        // As a path: behind a proxy the scheme of a link may be another than the page's.
        next = list.next && next !== list.next ? list.next.replace(/^[a-z]+:\/\/[^/]+/u, "") : null;
    }
}

/** A UUIDv7 (RFC 9562): `now` in milliseconds, then random bits. */
export function uuidv7(now) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    for (let place = 5, rest = Math.floor(now); place >= 0; place -= 1, rest = Math.floor(rest / 256)) {
        bytes[place] = rest % 256;
    }
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/u, "$1-$2-$3-$4-");
}
