// The documentation page: it shows every operation, which can be tried out with a token or with the cookie of a session.

import assert from "node:assert/strict";
import { browserTest, eventually, inspect, logIn, NARROW, Person, takeScreenshot, WIDE } from "./support.js";

const operation = (page, id) => page.locator(`.opblock[id$="-${id}"]`);

async function enter(page) {
    await page.goto("/api/docs/");
    await page.locator("#docs:not([aria-busy])").waitFor();
    await page.locator(".opblock").first().waitFor();
}

/** Opens an operation and makes its form editable. */
async function tryOut(page, id) {
    const block = operation(page, id);
    await block.locator(".opblock-summary-control").click();
    await block.getByRole("button", { name: "Try it out" }).click();
    return block;
}

/** Sends the request. Returns the status and the body of the answer. */
async function execute(block) {
    await block.getByRole("button", { name: "Execute" }).click();
    const answer = block.locator(".live-responses-table .response");
    await answer.waitFor();
    const body = await answer.locator(".highlight-code code").textContent();
    return { status: Number(await answer.locator(".response-col_status").innerText()), body: JSON.parse(body) };
}

async function authorize(page, token) {
    await page.getByRole("button", { name: "Authorize" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Value").fill(token);
    await dialog.getByRole("button", { name: "Authorize" }).click();
    await dialog.getByRole("button", { name: "Logout" }).waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
}

browserTest("the documentation shows every operation, and has no faults", async (open) => {
    for (const [viewport, size] of [
        [WIDE, "wide"],
        [NARROW, "narrow"],
    ]) {
        for (const colorScheme of ["light", "dark"]) {
            const name = `docs-${size}-${colorScheme}`;
            const page = await open({ viewport, colorScheme });
            await enter(page);
            const { paths } = await (await page.request.get("/api/schema/")).json();
            const ids = Object.values(paths).flatMap((path) =>
                Object.values(path).map(({ operationId }) => operationId),
            );
            const shown = await page.locator(".opblock").evaluateAll((blocks) => blocks.map(({ id }) => id));
            assert.deepEqual(shown.map((id) => id.split("-").at(-1)).sort(), ids.sort());
            await inspect(page, name);
            const block = await tryOut(page, "send_message");
            await block.scrollIntoViewIfNeeded();
            await inspect(page, `${name}-try`);
            await block.getByRole("tab", { name: "Schema" }).first().click();
            const inside = block.locator(".json-schema-2020-12-property").getByRole("button", { name: "Expand all" });
            for (let times = 0; times < 3; times += 1) await inside.first().click();
            await block.locator(".json-schema-2020-12").first().scrollIntoViewIfNeeded();
            await inspect(page, `${name}-schema`);
            await page.getByRole("button", { name: "Schemas" }).click();
            await page.locator("section.models").scrollIntoViewIfNeeded();
            await inspect(page, `${name}-schemas`);
            const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
            assert.ok(inner <= outer, `it is ${inner} pixels wide on a screen of ${outer}`);
        }
    }
});

browserTest("calls are tried out with a token", async (open) => {
    const [ann, ben] = [await Person.named("Ann"), await Person.named("Ben")];
    const conversation = await ann.direct(ben);
    const page = await open();
    // Swagger UI warns of names with `_` in the address when it is loaded with one.
    page.expectErrors(/status of 401/u, /escaping deep link whitespace/u);
    await enter(page);
    const me = await tryOut(page, "read_own_profile");
    assert.equal((await execute(me)).status, 401, "nobody yet");
    await page.getByRole("button", { name: "Authorize" }).click();
    await inspect(page, "docs-authorize");
    assert.equal(await page.locator(".auth-container").count(), 1, "a token alone can be entered");
    await page.keyboard.press("Escape");
    await authorize(page, ann.token);
    await me.getByRole("button", { name: "Clear" }).click();
    const { status, body } = await execute(me);
    assert.deepEqual([status, body.user_id], [200, ann.id]);
    await me.scrollIntoViewIfNeeded();
    await inspect(page, "docs-answer");

    const send = await tryOut(page, "send_message");
    const message = { conversation, message_body: "Sent from the documentation" };
    await send.getByLabel("Request body").fill(JSON.stringify(message));
    const sent = await execute(send);
    assert.deepEqual([sent.status, sent.body.sender.user_id], [201, ann.id]);
    assert.deepEqual(await ben.texts(conversation), ["Sent from the documentation"]);
    // The page does not store the token.
    assert.doesNotMatch(JSON.stringify(await page.context().storageState()), new RegExp(ann.token, "u"));
    await page.reload();
    assert.equal((await execute(await tryOut(page, "read_own_profile"))).status, 401);
});

browserTest("calls are tried out by who is logged in", async (open) => {
    const [ann, ben] = [await Person.named("Ann"), await Person.named("Ben")];
    const conversation = await ann.direct(ben);
    const page = await open({ colorScheme: "dark" });
    await logIn(page, ann.email);
    await enter(page);
    const send = await tryOut(page, "send_message");
    await send.getByLabel("Request body").fill(JSON.stringify({ conversation, message_body: "By cookie" }));
    assert.equal((await execute(send)).status, 201);
    await send.locator(".live-responses-table").scrollIntoViewIfNeeded();
    await inspect(page, "docs-answer-dark");
    // The token has precedence over the cookie.
    await authorize(page, ben.token);
    const { body } = await execute(await tryOut(page, "read_own_profile"));
    assert.equal(body.user_id, ben.id);
});

browserTest("the dialog for a token is used from the keyboard", async (open) => {
    const page = await open();
    await enter(page);
    const button = page.getByRole("button", { name: "Authorize" });
    await button.focus();
    await page.keyboard.press("Enter");
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
    await eventually(focused, "auth-bearer-value");
    for (let steps = 0; steps < 6; steps += 1) {
        await page.keyboard.press("Tab");
        assert.ok(
            await page.evaluate(() => Boolean(document.activeElement.closest("[role=dialog]"))),
            "it stays inside",
        );
    }
    await page.keyboard.press("Escape");
    await eventually(focused, "Authorize");
});

browserTest("without a script the documentation says so", async (open) => {
    const page = await open({ javaScriptEnabled: false });
    await page.goto("/api/docs/");
    await page.locator("noscript .alert").waitFor();
    await takeScreenshot(page, "docs-without-script");
    await page.locator("noscript a").click();
    await page.getByRole("heading", { name: "API" }).waitFor();
    await page.getByRole("link", { name: "Docs", exact: true }).click();
    await page.getByRole("heading", { name: "Documentation" }).waitFor();
});
