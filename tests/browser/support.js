// The harness of the browser tests: the process that users start, a real browser, and users with accounts. A page fails its
// test when it logs an error or sends a request to another host.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../..", import.meta.url));
const screenshots = `${root}local/.data/browser/`;
const FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

export const PASSWORD = "keys under the doormat";
export const WIDE = { width: 1280, height: 800 };
export const NARROW = { width: 390, height: 800 };

const servers = [];
let browser, axe;
let base = process.env.API_URL;
let people = 0;

before(async () => {
    axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    await mkdir(screenshots, { recursive: true });
    base ??= await serve();
    browser = await chromium.launch({
        executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
        args: FLAGS,
    });
});

after(async () => {
    await browser?.close();
    for (const server of servers) server.kill("SIGTERM");
});

/** Starts the API in memory, as `cargo run` does, with more options. Returns its address. */
async function serve(...options) {
    const server = spawn(
        `${root}target/debug/local`,
        ["--in-memory", "--port", "0", "--send-limit", "0", "--conversation-limit", "0", ...options],
        {
            stdio: ["ignore", "pipe", "ignore"],
        },
    );
    servers.push(server);
    server.on("error", (error) => assert.fail(`${error.message}: run \`cargo build\` first`));
    for await (const line of createInterface({ input: server.stdout })) {
        const address = line.match(/http:\/\/127\.0\.0\.1:\d+/u)?.[0];
        if (address) return address;
    }
    return assert.fail("the process ended before it printed its address");
}

/** Runs a part of a test with another process of the API, which asks users for consent. */
export async function amongStrangers(run) {
    const earlier = base;
    base = await serve("--no-demo", "--contact", "requests");
    try {
        await run();
    } finally {
        base = earlier;
    }
}

export const address = (path) => new URL(path, base).href;

/**
 * Defines a test. Its function gets `open`, which opens a page in a browser context of its own. A test that causes errors in
 * the console names their patterns with `page.expectErrors`.
 */
export function browserTest(name, run) {
    test(name, { timeout: 60_000 }, async () => {
        const contexts = [];
        const faults = [];
        const open = async (options = {}) => {
            const context = await browser.newContext({ viewport: WIDE, baseURL: base, ...options });
            contexts.push(context);
            context.setDefaultTimeout(15_000);
            const page = await context.newPage();
            const expected = [];
            watch(page, expected, faults);
            page.expectErrors = (...patterns) => expected.push(...patterns);
            return page;
        };
        try {
            await run(open);
        } finally {
            await Promise.all(contexts.map((context) => context.close()));
        }
        assert.deepEqual(faults, [], "errors in the console, or requests to other hosts");
    });
}

function watch(page, expected, faults) {
    const fault = (text) => expected.some((pattern) => pattern.test(text)) || faults.push(text);
    page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) {
            fault(`${message.text()} (${message.location().url})`);
        }
    });
    page.on("pageerror", (error) => fault(String(error)));
    page.on("dialog", (dialog) => {
        fault(`a dialog: ${dialog.message()}`);
        dialog.dismiss();
    });
    page.on("request", (request) => {
        const { origin, protocol } = new URL(request.url());
        if (origin !== new URL(base).origin && !["data:", "about:"].includes(protocol)) {
            fault(`a request to ${request.url()}`);
        }
    });
}

/** Takes a screenshot, and fails if axe finds a fault on the page. */
export async function inspect(page, name) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
    await takeScreenshot(page, name);
    assert.deepEqual(found, [], `axe finds faults on ${name}`);
}

export async function takeScreenshot(page, name) {
    await page.screenshot({ path: `${screenshots}${name}.png` });
}

export async function logIn(page, email, password = PASSWORD) {
    await page.goto(`/api-auth/login/?next=${encodeURIComponent("/")}`);
    await page.getByLabel("Email").fill(email);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.waitForURL(address("/"));
}

/** A user who is logged in over the API, independent of the browser. */
export class Person {
    static async named(first, last = "Test") {
        people += 1;
        const person = new Person();
        person.email = `${first
            .toLowerCase()
            .replace(/[^a-z]/gu, "")
            .slice(0, 9)}${people}-${process.pid}@example.com`;
        const profile = { email: person.email, password: PASSWORD, first_name: first, last_name: last };
        person.id = (await person.call("POST", "/api/users/", profile)).user_id;
        person.token = (await person.call("POST", "/api/token/", { email: person.email, password: PASSWORD })).access;
        return person;
    }

    async call(method, path, body) {
        const headers = { Accept: "application/json", "Content-Type": "application/json" };
        if (this.token) headers.Authorization = `Bearer ${this.token}`;
        const response = await fetch(address(path), { method, headers, body: body && JSON.stringify(body) });
        const text = await response.text();
        assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
        return text ? JSON.parse(text) : null;
    }

    /** Opens the direct conversation with a user, and returns its id. */
    async direct(other) {
        const request = { kind: "direct", participants: [other.id] };
        return (await this.call("POST", "/api/conversations/", request)).conversation_id;
    }

    async send(conversation, text, more = {}) {
        return this.call("POST", "/api/messages/", { conversation, message_body: text, ...more });
    }

    /** Returns the texts of a conversation, oldest first. */
    async texts(conversation) {
        const path = `/api/messages/?conversation=${conversation}&order=oldest&limit=100`;
        const { results, next } = await this.call("GET", path);
        assert.equal(next, null, "more than one page");
        return results.map(({ message_body }) => message_body);
    }
}

/** Waits until `ask()` returns the wanted value. Fails with the last other value. */
export async function eventually(ask, wanted, within = 15_000) {
    const deadline = Date.now() + within;
    for (;;) {
        const found = await ask();
        try {
            return assert.deepEqual(found, wanted);
        } catch (error) {
            if (Date.now() > deadline) throw error;
        }
        await new Promise((wake) => setTimeout(wake, 50));
    }
}
