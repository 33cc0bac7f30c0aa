// The browsable API: every kind of request through its forms. Text of users never becomes code.

import assert from "node:assert/strict";
import { address, browserTest, inspect, logIn, NARROW, Person } from "./support.js";

const answer = (page) => page.locator(".answer pre").innerText();

async function enter(page, person, path) {
    await logIn(page, person.email);
    await page.goto(path);
}

/** Returns the form of a page for a method. */
async function form(page, method) {
    const section = page.locator(`section#${method.toLowerCase()}`);
    await section.waitFor();
    return section.locator("form").first();
}

browserTest("conversations and messages are made, changed and deleted through forms", async (open) => {
    const [ann, ben] = [await Person.named("Ann"), await Person.named("Ben")];
    const page = await open();
    await enter(page, ann, "/api/conversations/");
    await inspect(page, "browse-conversations");
    let fields = await form(page, "POST");
    await fields.getByLabel("Participants").fill(ben.id);
    await fields.getByLabel("Name").fill("By a form");
    await fields.getByRole("button", { name: "POST" }).click();
    await page.getByText("HTTP 201").waitFor();
    await inspect(page, "browse-created");
    const [{ conversation_id }] = (await ann.call("GET", "/api/conversations/")).results;

    await page.goto("/api/messages/");
    fields = await form(page, "POST");
    await fields.getByLabel("Conversation").fill(conversation_id);
    await fields.getByLabel("Message body").fill("Two lines\nby a form");
    await fields.getByRole("button", { name: "POST" }).click();
    await page.getByText("HTTP 201").waitFor();
    assert.deepEqual(await ann.texts(conversation_id), ["Two lines\nby a form"]);

    const [{ message_id }] = (await ann.call("GET", "/api/messages/")).results;
    await page.goto(`/api/messages/${message_id}/`);
    fields = await form(page, "PUT");
    await fields.getByLabel("Message body").fill("Changed by a form");
    await fields.getByRole("button", { name: "PUT" }).click();
    await page.waitForFunction(() => document.body.innerText.includes("Changed by a form"));
    assert.deepEqual(await ann.texts(conversation_id), ["Changed by a form"]);
    await inspect(page, "browse-message");

    await page.goto(`/api/messages/${message_id}/`);
    await page.getByRole("button", { name: "DELETE" }).click();
    await inspect(page, "browse-delete");
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("HTTP 204").waitFor();
    assert.deepEqual(await ann.texts(conversation_id), []);
});

browserTest("a refused form says what is wrong and keeps what was typed", async (open) => {
    const ann = await Person.named("Ann");
    const page = await open();
    page.expectErrors(/status of 400/u);
    await enter(page, ann, "/api/conversations/");
    const fields = await form(page, "POST");
    await fields.getByLabel("Participants").fill("nobody");
    await fields.getByLabel("Name").fill("Kept");
    await fields.getByRole("button", { name: "POST" }).click();
    await page.getByText("HTTP 400").waitFor();
    assert.equal(await (await form(page, "POST")).getByLabel("Name").inputValue(), "Kept");
    await inspect(page, "browse-refused");
});

browserTest("forms are posted without a script as well", async (open) => {
    const [ann, ben] = [await Person.named("Ann"), await Person.named("Ben")];
    const conversation = await ann.direct(ben);
    const page = await open({ javaScriptEnabled: false });
    await enter(page, ann, "/api/messages/");
    const fields = await form(page, "POST");
    await fields.getByLabel("Conversation").fill(conversation);
    await fields.getByLabel("Message body").fill("without a script");
    await fields.getByRole("button", { name: "POST" }).click();
    assert.match(await answer(page), /HTTP 201/u);
    assert.deepEqual(await ann.texts(conversation), ["without a script"]);
});

browserTest("the pages have no faults, narrow and in the dark", async (open) => {
    const [ann, ben] = [await Person.named("Ann"), await Person.named("Ben")];
    const conversation = await ann.direct(ben);
    const { message_id } = await ann.send(conversation, "hello");
    const pages = {
        root: "/api/",
        schema: "/api/schema/",
        me: "/api/users/me/",
        sessions: "/api/users/me/sessions/",
        conversation: `/api/conversations/${conversation}/`,
        changes: `/api/conversations/${conversation}/changes/`,
        messages: `/api/messages/?conversation=${conversation}`,
        message: `/api/messages/${message_id}/`,
        nothing: "/api/messages/none/",
    };
    const page = await open({ viewport: NARROW, colorScheme: "dark" });
    page.expectErrors(/status of 404/u);
    await logIn(page, ann.email);
    for (const [name, path] of Object.entries(pages)) {
        await page.goto(path);
        await inspect(page, `browse-narrow-${name}`);
        const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        assert.ok(inner <= outer, `${name} is ${inner} pixels wide on a screen of ${outer}`);
    }
});

browserTest("what people write is shown as they wrote it on every page", async (open) => {
    const probe = `</pre></textarea><img src=x onerror="document.body.id='owned'"><script>document.body.id='owned'</script>"'><a href="javascript:1">`;
    const ann = await Person.named("Ann");
    const ben = await Person.named(probe.slice(0, 100), probe.slice(0, 100));
    const request = { participants: [ann.id], name: probe, metadata: { [probe]: probe } };
    const { conversation_id } = await ben.call("POST", "/api/conversations/", request);
    const { message_id } = await ben.send(conversation_id, probe, { metadata: { probe } });
    await ben.call("PATCH", `/api/messages/${message_id}/`, { message_body: `${probe} again` });
    const page = await open();
    await logIn(page, ben.email);
    for (const path of [
        "/",
        "/api/users/me/",
        "/api/conversations/",
        `/api/conversations/${conversation_id}/`,
        `/api/conversations/${conversation_id}/participants/`,
        `/api/messages/?conversation=${conversation_id}`,
        `/api/messages/${message_id}/`,
        `/api/messages/${message_id}/revisions/`,
    ]) {
        await page.goto(path);
        assert.ok((await page.locator("body").innerText()).includes("<img src=x onerror="), `${path} shows it`);
        assert.equal(await page.locator("img, main script, [href^='javascript:']").count(), 0, path);
        assert.notEqual(await page.evaluate(() => document.body.id), "owned", path);
        assert.match(
            (await page.request.get(address(path), { headers: { Accept: "text/html" } })).headers()[
                "content-security-policy"
            ],
            /default-src 'none'/u,
        );
    }
    // A link that users wrote never becomes a script.
    await page.goto(`/api-auth/login/?next=${encodeURIComponent("javascript:document.body.id='owned'")}`);
    assert.equal(await page.locator("[href^='javascript:']").count(), 0);
});
