// Asks for news at intervals: short ones while there are news, longer ones while there are none, and not at all while the
// page is hidden or news arrive as frames. `now` asks at once.

const SHORTEST = 2_000;
const LONGEST = 20_000;
const LONGEST_AFTER_FAILURE = 60_000;

export class Poll {
    /** `ask()` returns true if there was something new. `failed(failure)` gets what it throws, and `null` once it works. */
    constructor(ask, failed) {
        this.ask = ask;
        this.failed = failed;
        this.wait = SHORTEST;
        this.failures = 0;
        this.running = false;
        this.again = false;
        this.live = false;
        document.addEventListener("visibilitychange", () => (document.hidden ? this.pause() : this.now()));
        window.addEventListener("online", () => this.now());
    }

    /** Stops asking at intervals, because news arrive as frames, or begins again. Asks at once in both cases. */
    setLive(live) {
        this.live = live;
        this.now();
    }

    pause() {
        clearTimeout(this.timer);
    }

    /** Asks at once, and again after the shortest interval. */
    now() {
        this.wait = SHORTEST;
        this.again = this.running;
        if (!this.running) {
            this.pause();
            this.#askOnce();
        }
    }

    /** Asks after the shortest interval. */
    start() {
        this.#schedule(this.wait);
    }

    async #askOnce() {
        this.running = true;
        try {
            const news = await this.ask();
            this.wait = news ? SHORTEST : Math.min(LONGEST, this.wait * 1.25);
            if (this.failures > 0) this.failed(null);
            this.failures = 0;
        } catch (failure) {
            this.failures += 1;
            this.wait = Math.min(LONGEST_AFTER_FAILURE, SHORTEST * 2 ** this.failures);
            this.failed(failure);
        }
        this.running = false;
        const { again } = this;
        this.again = false;
        this.#schedule(again ? 0 : this.wait);
    }

    /** Asks again after `wait`. While news arrive as frames, only a failure or a request during the last question does so. */
    #schedule(wait) {
        this.pause();
        if (!document.hidden && (!this.live || wait === 0 || this.failures > 0)) {
            this.timer = setTimeout(() => this.#askOnce(), wait * (0.9 + Math.random() / 5));
        }
    }
}
