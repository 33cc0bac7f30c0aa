// Receives frames over a WebSocket. `ready` means: from now on, every message and change arrives as a frame, so that the page
// asks once for what it has missed, and does not ask at intervals any more. Where there is no WebSocket, the page goes on asking.

import { call } from "./chat-api.js";

const SHORTEST = 1_000;
const LONGEST = 60_000;
const PING_EVERY = 4 * 60_000; // API Gateway ends a connection that is idle for ten minutes.
const PATIENCE = 10_000; // The time for `ready`, and for the answer to a ping.

export class Socket {
    /** `live(isLive)` is called with `true` after `ready`, and with `false` when the connection has ended. */
    constructor({ frame, live }) {
        Object.assign(this, { frame, live });
        this.failures = 0;
        window.addEventListener("online", () => this.socket || this.#connect());
        this.#connect();
    }

    async #connect() {
        clearTimeout(this.timer);
        if (this.connecting) return;
        this.connecting = true;
        try {
            const { url } = await call("POST", "/api/realtime/ticket/", {});
            this.#open(new WebSocket(url));
        } catch (failure) {
            // Logged out, or a server without WebSockets: the questions at intervals tell the reader what is wrong.
            if (!failure.loggedOut && failure.status !== 404) this.#later();
        }
        this.connecting = false;
    }

    #open(socket) {
        this.socket = socket;
        this.#expectAnswer();
        socket.addEventListener("message", ({ data }) => this.#receive(data));
        socket.addEventListener("close", () => this.#closed(socket));
    }

    #receive(data) {
        clearTimeout(this.patience);
        for (const frame of [JSON.parse(data)].flat()) {
            if (frame.type === "ready") {
                this.failures = 0;
                this.#pingLater();
                this.live(true);
            } else {
                this.frame(frame);
            }
        }
    }

    #pingLater() {
        clearTimeout(this.pinging);
        this.pinging = setTimeout(() => {
            this.socket?.send('{"type":"ping"}');
            this.#expectAnswer();
            this.#pingLater();
        }, PING_EVERY);
    }

    /** Ends the connection if nothing arrives for some time. The event `close` can come much later, or never. */
    #expectAnswer() {
        clearTimeout(this.patience);
        const { socket } = this;
        this.patience = setTimeout(() => {
            socket.close();
            this.#closed(socket);
        }, PATIENCE);
    }

    #closed(socket) {
        if (this.socket !== socket) return;
        this.socket = null;
        clearTimeout(this.patience);
        clearTimeout(this.pinging);
        this.live(false);
        this.#later();
    }

    #later() {
        const wait = Math.min(LONGEST, SHORTEST * 2 ** this.failures);
        this.failures += 1;
        this.timer = setTimeout(() => this.#connect(), wait * (0.5 + Math.random() / 2));
    }
}
