// The chat page: two users in two browsers, reading, keyboard and screens, and the page without a script. Failing sends are in
// sending.js.

import assert from "node:assert/strict";
import { compose, enter, framesOf, LOST, pair, ready, texts } from "./people.js";
import { address, browserTest, eventually, inspect, logIn, NARROW, Person, takeScreenshot, WIDE } from "./support.js";

browserTest("the demo conversations are what somebody sees first", async (open) => {
    for (const [viewport, size] of [
        [WIDE, "wide"],
        [NARROW, "narrow"],
    ]) {
        for (const colorScheme of ["light", "dark"]) {
            const page = await open({
                viewport,
                colorScheme,
                isMobile: size === "narrow",
                hasTouch: size === "narrow",
            });
            await logIn(page, "ann@example.com");
            await page.getByRole("link", { name: /Mill Lane/u }).waitFor();
            await inspect(page, `chat-${size}-${colorScheme}`);
            await page.getByRole("link", { name: /Ben Okafor/u }).click();
            await page.getByText("There is a folding one").waitFor();
            await page.getByText("This message was deleted.").waitFor();
            await page.locator(".edited").waitFor();
            assert.equal(await page.locator(".c[aria-current=page]").count(), 1);
            assert.ok((await page.locator(".m .quote").count()) >= 2);
            await inspect(page, `chat-${size}-${colorScheme}-conversation`);
        }
    }
});

browserTest("the first view is small and all from one place", async (open) => {
    const page = await open();
    await logIn(page, "ann@example.com");
    const network = await page.context().newCDPSession(page);
    await network.send("Network.enable");
    await network.send("Network.setCacheDisabled", { cacheDisabled: true });
    let bytes = 0;
    const files = [];
    network.on("Network.responseReceived", ({ response }) => files.push(response.url));
    network.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
    await page.goto("/", { waitUntil: "networkidle" });
    assert.ok(
        files.some((file) => file.endsWith("chat.js")),
        files.join(" "),
    );
    assert.ok(bytes > 5_000 && bytes < 50_000, `${bytes} bytes over the wire in ${files.length} files`);
    console.log(`first view: ${bytes} bytes over the wire in ${files.length} files`);
});

browserTest("two people talk", async (open) => {
    const { ann, ben, conversation } = await pair();
    const [hers, his] = [await open(), await open()];
    await enter(hers, ann, conversation);
    await enter(his, ben, conversation);
    await compose(hers).fill("Is the flat free?");
    await hers.getByRole("button", { name: "Send" }).click();
    await his.getByText("Is the flat free?").last().waitFor();
    await eventually(() => his.locator("#live").textContent(), "Ann Test: Is the flat free?");
    await his.locator(".m").hover();
    await his.getByRole("button", { name: "Reply to Ann Test" }).click();
    await compose(his).fill("It is.\nUntil Sunday.");
    await compose(his).press("Enter");
    await eventually(() => texts(hers), ["Is the flat free?", "It is.\nUntil Sunday."]);
    assert.equal(await hers.locator(".m .quote-text").textContent(), "Is the flat free?");

    const { results } = await ben.call("GET", `/api/messages/?conversation=${conversation}`);
    await ben.call("PATCH", `/api/messages/${results[0].message_id}/`, { message_body: "It is, until Monday." });
    await eventually(() => texts(hers), ["Is the flat free?", "It is, until Monday."]);
    await hers.locator(".edited").waitFor();
    await ann.call("DELETE", `/api/messages/${results[1].message_id}/`);
    await eventually(() => texts(his), ["This message was deleted.", "It is, until Monday."]);
    await hers.getByText("This message was deleted.").waitFor();
    await eventually(() => hers.locator(".m .quote-text").allTextContents(), ["A deleted message"]);
    await inspect(hers, "chat-two-people");
});

browserTest("what is unread is counted until it was seen", async (open) => {
    const { ann, ben, conversation } = await pair();
    const cleo = await Person.named("Cleo");
    const other = await cleo.direct(ann);
    await cleo.send(other, "Hello from Cleo");
    const page = await open();
    await enter(page, ann, other);
    for (const text of ["one", "two", "three"]) await ben.send(conversation, text);
    const badge = page.locator(`[data-conversation="${conversation}"] .unread`);
    await eventually(() => badge.allTextContents(), ["3 unread"], 30_000);
    assert.match(await page.title(), /^\(1\) /u);
    await page.getByRole("link", { name: /Ben Test/u }).click();
    await page.locator(".fresh").waitFor();
    await eventually(() => badge.count(), 0);
    const detail = await ann.call("GET", `/api/conversations/${conversation}/`);
    assert.equal(detail.unread, 0);
});

browserTest("earlier messages come by scrolling, each once and in order", async (open) => {
    const { ann, ben, conversation } = await pair();
    const sent = Array.from({ length: 130 }, (_, number) => `message ${number}`);
    const ids = [];
    for (const [number, text] of sent.entries()) {
        ids.push((await (number % 3 ? ann : ben).send(conversation, text)).message_id);
    }
    sent.push("about the first", "about the second");
    await ben.send(conversation, "about the first", { reply_to: ids[0] });
    const page = await open();
    await enter(page, ann, conversation);
    await page.getByText("message 129").last().waitFor();
    await ben.send(conversation, "about the second", { reply_to: ids[1] });
    await page.locator(".m").getByText("about the second").waitFor();
    assert.ok((await texts(page)).length < 130);
    assert.deepEqual(await page.locator(".quote-text").allTextContents(), ["message 0", "message 1", ""]);
    await eventually(async () => {
        await page.locator(".log").evaluate((log) => log.scrollTo(0, -log.scrollHeight));
        return texts(page);
    }, sent);
    assert.equal(await page.getByRole("link", { name: "Earlier messages" }).count(), 0);
});

browserTest("everything works from the keyboard", async (open) => {
    const { ann, ben, conversation } = await pair();
    await ben.send(conversation, "Can you read this?");
    const page = await open();
    await logIn(page, ann.email);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    const focused = () => page.evaluate(() => document.activeElement.dataset.conversation);
    for (let steps = 0; (await focused()) !== conversation && steps < 20; steps += 1) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForURL(address(`/?conversation=${conversation}`));
    await eventually(() => page.evaluate(() => document.activeElement.name), "message_body");
    await page.keyboard.type("Yes");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("every word");
    await page.keyboard.press("Enter");
    await eventually(() => ben.texts(conversation), ["Can you read this?", "Yes\nevery word"]);
    assert.equal(await page.evaluate(() => document.activeElement.name), "message_body", "the focus stays");
});

browserTest("a conversation is started by email", async (open) => {
    const [ann, ben] = [await Person.named("Ann"), await Person.named("Ben")];
    const page = await open();
    await enter(page, ann);
    await page.getByText("You have no conversations yet.").waitFor();
    await inspect(page, "chat-empty");
    await page.getByText("New conversation").click();
    const field = page.getByLabel("Email address of the other person");
    await field.fill("nobody-at-all@example.com");
    await field.press("Enter");
    await page.getByText("No user has this email address.").waitFor();
    await field.fill(ben.email);
    await field.press("Enter");
    await page.getByRole("heading", { name: "Ben Test" }).waitFor();
    await ready(page);
    await compose(page).fill("Hello Ben");
    await compose(page).press("Enter");
    await eventually(
        async () => (await ben.call("GET", "/api/messages/")).results.map((m) => m.message_body),
        ["Hello Ben"],
    );
});

browserTest("what people write is text and never code", async (open) => {
    const probe = `<img src=x onerror="document.body.id='owned'"><script>document.body.id='owned'</script>{{7*7}}"'>`;
    const [ann, ben] = [await Person.named("Ann", probe), await Person.named(probe.slice(0, 60), "B")];
    const request = { participants: [ben.id], name: probe, metadata: { probe } };
    const { conversation_id } = await ann.call("POST", "/api/conversations/", request);
    const { message_id } = await ben.send(conversation_id, probe);
    await ann.send(conversation_id, probe, { reply_to: message_id });
    const page = await open();
    await enter(page, ben, conversation_id);
    await eventually(() => texts(page), [probe, probe]);
    // The script shows the same text.
    await ann.send(conversation_id, probe, { reply_to: message_id });
    await eventually(() => texts(page), [probe, probe, probe]);
    await eventually(() => page.locator(".c .title").allTextContents(), [probe]);
    assert.equal(await page.locator("#title").textContent(), probe);
    assert.deepEqual(
        await page.locator(".m .quote-text").allTextContents(),
        [probe, probe].map((text) => text.slice(0, 160)),
    );
    await page.locator(".m.own").hover();
    await page.getByRole("button", { name: "Edit your message" }).click();
    assert.equal(await page.locator(".about .quote-text").textContent(), probe);
    await page.getByRole("button", { name: "Delete your message" }).click();
    assert.equal(await page.locator("dialog .quote").textContent(), probe);
    assert.equal(await page.locator("body img, body script").count(), 0);
    assert.notEqual(await page.evaluate(() => document.body.id), "owned");
    await takeScreenshot(page, "chat-probes");
});

browserTest("without a script one reads, sends once, and marks as read", async (open) => {
    const { ann, ben, conversation } = await pair();
    await ben.send(conversation, "Can you read this?");
    const page = await open({ javaScriptEnabled: false });
    await logIn(page, ann.email);
    await page.goto(`/?conversation=${conversation}`);
    assert.deepEqual(await texts(page), ["Can you read this?"]);
    await takeScreenshot(page, "chat-without-script");
    await page.getByRole("button", { name: "Mark as read" }).click();
    await page.waitForURL(address(`/?conversation=${conversation}`));
    assert.equal((await ann.call("GET", `/api/conversations/${conversation}/`)).unread, 0);
    await compose(page).fill("Yes\nindeed");
    // The form is sent twice, as by a double click.
    const form = await page.locator("form.compose").evaluate((form) => [...new FormData(form)]);
    for (let times = 0; times < 2; times += 1) {
        const answer = await page.request.post("/", { form: Object.fromEntries(form), maxRedirects: 0 });
        assert.equal(answer.status(), 303);
    }
    await page.getByRole("button", { name: "Send" }).click();
    await page.waitForURL(address(`/?conversation=${conversation}`));
    assert.deepEqual(await texts(page), ["Can you read this?", "Yes\nindeed"]);
    assert.deepEqual(await ann.texts(conversation), ["Can you read this?", "Yes\nindeed"]);
});

browserTest("a conversation that is not one's own is none", async (open) => {
    const { conversation } = await pair();
    const cleo = await Person.named("Cleo");
    const page = await open();
    page.expectErrors(LOST);
    await logIn(page, cleo.email);
    const answer = await page.goto(`/?conversation=${conversation}`);
    assert.equal(answer.status(), 404);
    await page.getByText("This conversation does not exist").waitFor();
    await inspect(page, "chat-not-found");
});

browserTest("a hidden page asks for nothing", async (open) => {
    const { ann, ben, conversation } = await pair();
    const page = await open();
    const frames = framesOf(page);
    await enter(page, ann, conversation);
    const hide = (hidden) =>
        page.evaluate((value) => {
            Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
            document.dispatchEvent(new Event("visibilitychange"));
        }, hidden);
    await eventually(() => frames.at(-1), "ready");
    await page.waitForLoadState("networkidle");
    await hide(true);
    let asked = 0;
    page.on("request", () => (asked += 1));
    await ben.send(conversation, "while you were away");
    // Longer than the shortest interval between two requests.
    await page.waitForTimeout(4_000);
    assert.equal(asked, 0);
    await hide(false);
    await eventually(() => texts(page), ["while you were away"]);
});
