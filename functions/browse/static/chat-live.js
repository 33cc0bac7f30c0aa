// What is new, asked for again and again: often while something happens, seldom while nothing does, and not at all while
// nobody looks. Whatever announces news sooner calls `now`.

const SHORTEST = 2_000;
const LONGEST = 20_000;
const LONGEST_AFTER_FAILURE = 60_000;

export class Poll {
    /** `ask()` answers whether there was anything new. `failed(failure)` is told of what it throws, or `null` once it works. */
    constructor(ask, failed) {
        this.ask = ask;
        this.failed = failed;
        this.wait = SHORTEST;
        this.failures = 0;
        this.running = false;
        this.again = false;
        document.addEventListener("visibilitychange", () => (document.hidden ? this.pause() : this.now()));
        window.addEventListener("online", () => this.now());
    }

    pause() {
        clearTimeout(this.timer);
    }

    /** Asks at once, and often for a while. */
    now() {
        this.wait = SHORTEST;
        this.again = this.running;
        if (!this.running) {
            this.pause();
            this.#turn();
        }
    }

    /** Begins after the usual pause. */
    start() {
        this.#later(this.wait);
    }

    async #turn() {
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
        this.#later(this.again ? 0 : this.wait);
        this.again = false;
    }

    #later(wait) {
        this.pause();
        if (!document.hidden) {
            this.timer = setTimeout(() => this.#turn(), wait * (0.9 + Math.random() / 5));
        }
    }
}
