// The chat page among strangers: requests, blocks, reports, the archive, and the options of a conversation.

import assert from "node:assert/strict";
import { compose, enter, pair, ready, texts } from "./people.js";
import {
    address,
    amongStrangers,
    browserTest,
    eventually,
    inspect,
    logIn,
    NARROW,
    takeScreenshot,
    WIDE,
} from "./support.js";

const options = (page) => page.locator(".menu > summary");

async function choose(page, name) {
    await options(page).click();
    await page.getByRole("button", { name }).click();
}

browserTest("a conversation is muted, archived and found again", async (open) => {
    const { ann, ben, conversation } = await pair();
    await ben.send(conversation, "Is anyone there?");
    const page = await open();
    await enter(page, ann, conversation);
    await choose(page, "Mute");
    await page.waitForURL(address(`/?conversation=${conversation}`));
    await page.locator(".c .muted").waitFor();
    await options(page).click();
    await inspect(page, "chat-options");
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Options");
    await choose(page, "Archive");
    await page.getByText("You have no conversations yet.").waitFor();
    await page.getByRole("link", { name: "Archived" }).click();
    await page.getByRole("link", { name: /Ben Test/u }).click();
    await choose(page, "Move to the inbox");
    await page.waitForURL(address(`/?conversation=${conversation}`));
    assert.equal((await ann.call("GET", `/api/conversations/${conversation}/`)).state, "active");
});

browserTest("a message is reported and its sender is blocked", async (open) => {
    const { ann, ben, conversation } = await pair();
    await ben.send(conversation, "Buy my watches");
    const page = await open({ viewport: NARROW, isMobile: true, hasTouch: true, colorScheme: "dark" });
    await enter(page, ann, conversation);
    await page.getByRole("button", { name: "Report the message of Ben Test" }).click();
    assert.equal(await page.locator(".report .quote").textContent(), "Buy my watches");
    await inspect(page, "chat-report");
    await page.getByLabel("Reason").selectOption("Unwanted advertising");
    await page.getByLabel(/Comment/u).fill("Every day");
    await page.getByRole("button", { name: "Send the report" }).click();
    await page.getByText("The report was sent to the admins.").waitFor();
    await ready(page);
    await choose(page, "Block Ben Test");
    await eventually(() => texts(page), ["You have blocked the sender of this message."]);
    await inspect(page, "chat-masked");
    await page.goto("/?list=blocked");
    await inspect(page, "chat-blocked");
    await page.getByRole("button", { name: "Unblock Ben Test" }).click();
    await page.getByText("You have not blocked anyone.").waitFor();
    await page.goto(`/?conversation=${conversation}`);
    assert.deepEqual(await texts(page), ["Buy my watches"]);
});

browserTest("a request is answered with and without a script", async (open) => {
    await amongStrangers(async () => {
        for (const [javaScriptEnabled, viewport] of [
            [true, WIDE],
            [false, NARROW],
        ]) {
            const { ann, ben, conversation } = await pair();
            const group = (await ann.call("POST", "/api/conversations/", { participants: [ben.id] })).conversation_id;
            await ann.send(conversation, "Do you remember me?");
            const page = await open({ javaScriptEnabled, viewport });
            await logIn(page, ben.email);
            await page.getByText("You have no conversations yet.").waitFor();
            await page.getByRole("link", { name: /^Requests.*waiting for your answer$/u }).click();
            await page.locator(`.c[data-conversation="${conversation}"]`).click();
            await page.getByRole("heading", { name: "Ann Test invites you to this conversation" }).waitFor();
            assert.deepEqual(await texts(page), ["Do you remember me?"]);
            if (javaScriptEnabled) await inspect(page, "chat-request");
            else await takeScreenshot(page, "chat-request-without-script");
            await page.getByRole("button", { name: "Accept" }).click();
            await page.waitForURL(address(`/?conversation=${conversation}`));
            await compose(page).fill("Of course");
            await page.getByRole("button", { name: "Send", exact: true }).click();
            await eventually(() => ann.texts(conversation), ["Do you remember me?", "Of course"]);
            await page.goto(`/?list=requests&conversation=${group}`);
            await page.getByRole("button", { name: "Decline" }).click();
            await page.waitForURL(address("/?list=requests"));
            assert.deepEqual((await ben.call("GET", "/api/conversations/?state=invited")).results, []);
        }
    });
});
