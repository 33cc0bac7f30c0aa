// Sends whose answers get lost: the conversation contains every message once, and no text is lost.

import assert from "node:assert/strict";
import { compose, enter, LOST, pair, texts } from "./people.js";
import { browserTest, eventually, inspect } from "./support.js";

browserTest("an answer that is lost behind the commit does not double the message", async (open) => {
    const { ann, conversation } = await pair();
    const page = await open();
    page.expectErrors(LOST);
    await enter(page, ann, conversation);
    const keys = [];
    await page.route("**/api/messages/", async (route) => {
        keys.push(route.request().postDataJSON().client_id);
        if (keys.length > 1) return route.continue();
        const response = await route.fetch();
        assert.equal(response.status(), 201, "it was sent");
        return route.abort("connectionreset");
    });
    await compose(page).fill("once and only once");
    await compose(page).press("Enter");
    await eventually(() => page.locator(".pending").count(), 0);
    await eventually(() => texts(page), ["once and only once"]);
    assert.ok(keys.length >= 1 && new Set(keys).size === 1, keys.join(" "));
    assert.deepEqual(await ann.texts(conversation), ["once and only once"]);
});

browserTest("a retry goes out under the same key", async (open) => {
    const { ann, conversation } = await pair();
    const page = await open();
    page.expectErrors(LOST);
    // The page gets neither the answer nor the message itself, so that only its own retry can succeed.
    await page.route("**/api/realtime/ticket/", (route) => route.abort());
    await enter(page, ann, conversation);
    const keys = [];
    await page.route(/\/api\/(messages|conversations)\/.*after=/u, (route) => route.abort());
    await page.route("**/api/messages/", async (route) => {
        keys.push(route.request().postDataJSON().client_id);
        const response = await route.fetch();
        assert.equal(response.status(), keys.length === 1 ? 201 : 200);
        return keys.length === 1 ? route.abort() : route.fulfill({ response });
    });
    await compose(page).fill("twice asked");
    await compose(page).press("Enter");
    await page.getByText("Not sent yet. Trying again").waitFor();
    await eventually(() => page.locator(".pending").count(), 0);
    assert.deepEqual([keys.length, new Set(keys).size], [2, 1]);
    assert.deepEqual(await ann.texts(conversation), ["twice asked"]);
});

browserTest("what cannot be sent is kept, also over a reload, until somebody decides", async (open) => {
    const { ann, conversation } = await pair();
    const page = await open();
    page.expectErrors(LOST);
    await enter(page, ann, conversation);
    const keys = new Set();
    await page.route("**/api/messages/", (route) => {
        keys.add(route.request().postDataJSON().client_id);
        return route.fulfill({
            status: 503,
            contentType: "application/problem+json",
            body: JSON.stringify({ status: 503, code: "contention", detail: "Try again." }),
        });
    });
    await compose(page).fill("first");
    await compose(page).press("Enter");
    await compose(page).fill("second");
    await compose(page).press("Enter");
    await page.getByRole("button", { name: "Try again" }).waitFor();
    assert.deepEqual(await texts(page), ["first", "second"]);
    await inspect(page, "chat-not-sent");
    await page.reload();
    await page.getByRole("button", { name: "Try again" }).waitFor();
    assert.deepEqual(await texts(page), ["first", "second"]);
    await page.unroute("**/api/messages/");
    await page.getByRole("button", { name: "Try again" }).click();
    await eventually(() => page.locator(".pending").count(), 0);
    assert.equal(keys.size, 1, "the second waits for the first");
    assert.deepEqual(await ann.texts(conversation), ["first", "second"]);
});

browserTest("a refused message gives its words back", async (open) => {
    const { ann, conversation } = await pair();
    const page = await open();
    page.expectErrors(LOST);
    await enter(page, ann, conversation);
    await compose(page).evaluate((field) => field.removeAttribute("maxlength"));
    await compose(page).fill("x".repeat(16_385));
    await compose(page).press("Enter");
    await page.getByText("Not sent: message body must have at most 16384 characters, and has 16385").waitFor();
    await page.getByRole("button", { name: "Edit" }).click();
    assert.equal((await compose(page).inputValue()).length, 16_385);
    assert.equal(await page.locator(".pending").count(), 0);
});
