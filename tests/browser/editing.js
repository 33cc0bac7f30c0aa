// Messages edited and deleted by their sender, as the sender and the other participant see them.

import assert from "node:assert/strict";
import { compose, enter, LOST, pair, texts } from "./people.js";
import { browserTest, eventually, inspect, NARROW, takeScreenshot, WIDE } from "./support.js";

const button = (page, name) => page.getByRole("button", { name, exact: true });
const field = (page) => page.locator("#body");

/** Presses a button of a message. */
async function press(page, text, name) {
    const message = page.locator(".m").filter({ hasText: text });
    await message.hover();
    await message.getByRole("button", { name }).click();
}

browserTest("one's own message is changed, and others see it", async (open) => {
    const { ann, ben, conversation } = await pair();
    await ann.send(conversation, "At six on the 3rd");
    await ben.send(conversation, "Which month?");
    const [hers, his] = [await open(), await open()];
    await enter(hers, ann, conversation);
    await enter(his, ben, conversation);
    assert.equal(await hers.getByRole("button", { name: "Edit your message" }).count(), 1, "only one's own");
    await compose(hers).fill("half a draft");
    await press(hers, "At six", "Edit your message");
    assert.equal(await field(hers).inputValue(), "At six on the 3rd");
    await inspect(hers, "chat-edit");
    await field(hers).fill("At six on the 3rd of May\nin the harbour");
    await button(hers, "Save").click();
    const now = ["At six on the 3rd of May\nin the harbour", "Which month?"];
    await eventually(() => texts(hers), now);
    await eventually(() => texts(his), now);
    await his.locator(".edited").waitFor();
    assert.equal(await compose(hers).inputValue(), "half a draft", "what was being written is there again");
    assert.equal(await button(hers, "Send").count(), 1);
    assert.deepEqual(await ben.texts(conversation), now);
});

browserTest("one's own message is deleted after a question, and others see it", async (open) => {
    const { ann, ben, conversation } = await pair();
    await ann.send(conversation, "Not meant for you");
    const [hers, his] = [await open(), await open({ colorScheme: "dark", viewport: NARROW })];
    await enter(hers, ann, conversation);
    await enter(his, ben, conversation);
    await press(hers, "Not meant", "Delete your message");
    const dialog = hers.getByRole("dialog", { name: "Delete this message?" });
    await dialog.getByText("Not meant for you").waitFor();
    await inspect(hers, "chat-delete");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    assert.deepEqual(await ben.texts(conversation), ["Not meant for you"]);
    await press(hers, "Not meant", "Delete your message");
    await dialog.getByRole("button", { name: "Delete" }).click();
    await eventually(() => texts(hers), ["This message was deleted."]);
    await eventually(() => texts(his), ["This message was deleted."]);
    assert.equal(await hers.getByRole("button", { name: "Edit your message" }).count(), 0);
    assert.deepEqual(await ben.texts(conversation), []);
});

browserTest("messages are changed and deleted from the keyboard", async (open) => {
    const { ann, conversation } = await pair();
    await ann.send(conversation, "first");
    await ann.send(conversation, "second");
    const page = await open();
    await enter(page, ann, conversation);
    await compose(page).focus();
    await page.keyboard.press("ArrowUp");
    await eventually(() => field(page).inputValue(), "second");
    await page.keyboard.press("End");
    await page.keyboard.type(", and no word more");
    await page.keyboard.press("Escape");
    assert.equal(await compose(page).inputValue(), "", "Escape changes nothing");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("End");
    await page.keyboard.type(" thoughts");
    await page.keyboard.press("Enter");
    await eventually(() => texts(page), ["first", "second thoughts"]);
    await eventually(() => page.locator("#live").textContent(), "Saved.");
    assert.equal(await page.evaluate(() => document.activeElement.id), "body", "the focus stays");
    await page.getByRole("button", { name: "Delete your message" }).first().focus();
    await takeScreenshot(page, "chat-acts-focused");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await eventually(() => texts(page), ["This message was deleted.", "second thoughts"]);
    assert.match(
        await page.evaluate(() => document.activeElement.className),
        /\bm\b/u,
        "the focus stays at the message",
    );
});

browserTest("a change made elsewhere is seen before it is replaced", async (open) => {
    const { ann, conversation } = await pair();
    const { message_id } = await ann.send(conversation, "as sent");
    const page = await open();
    page.expectErrors(LOST);
    await enter(page, ann, conversation);
    await press(page, "as sent", "Edit your message");
    await field(page).fill("as changed here");
    await ann.call("PATCH", `/api/messages/${message_id}/`, { message_body: "as changed elsewhere" });
    await button(page, "Save").click();
    await page.getByText("changed on another device").waitFor();
    await eventually(() => texts(page), ["as changed elsewhere"]);
    assert.equal(await field(page).inputValue(), "as changed here", "no word is lost");
    await inspect(page, "chat-edit-refused");
    await button(page, "Save").click();
    await eventually(() => ann.texts(conversation), ["as changed here"]);

    await press(page, "as changed here", "Edit your message");
    await field(page).fill("too late");
    await ann.call("DELETE", `/api/messages/${message_id}/`);
    await button(page, "Save").click();
    await page.getByText("This message has been deleted.").waitFor();
    assert.equal(await field(page).inputValue(), "too late");
});

browserTest("a change whose answer is lost is saved once", async (open) => {
    const { ann, conversation } = await pair();
    const { message_id } = await ann.send(conversation, "as sent");
    const page = await open();
    page.expectErrors(LOST);
    await enter(page, ann, conversation);
    await press(page, "as sent", "Edit your message");
    let tries = 0;
    await page.route(`**/api/messages/${message_id}/`, async (route) => {
        tries += route.request().method() === "PATCH" ? 1 : 0;
        if (route.request().method() !== "PATCH" || tries > 1) return route.continue();
        assert.equal((await route.fetch()).status(), 200, "it was saved");
        return route.abort("connectionreset");
    });
    await field(page).fill("as changed");
    await button(page, "Save").click();
    await page.getByText("The server did not answer.").waitFor();
    await button(page, "Save").click();
    await button(page, "Send").waitFor();
    assert.equal((await ann.call("GET", `/api/messages/${message_id}/revisions/`)).results.length, 1);
});

browserTest("what can be done with a message is in reach on every screen", async (open) => {
    const { ann, ben, conversation } = await pair();
    await ben.send(
        conversation,
        "Shall we meet at the old lighthouse behind the harbour, where the boats lie in winter?",
    );
    await ann.send(conversation, "Yes");
    await ann.send(
        conversation,
        "And bring the large map, the one with the coast on it, as mine has been left in the rain.",
    );
    for (const [viewport, size, hasTouch] of [
        [WIDE, "wide", false],
        [NARROW, "narrow", true],
    ]) {
        for (const colorScheme of ["light", "dark"]) {
            const page = await open({ viewport, colorScheme, hasTouch, isMobile: hasTouch });
            await enter(page, ann, conversation);
            const message = page.locator(".m").last();
            if (!hasTouch) await message.hover();
            await eventually(() => message.locator(".acts").evaluate((acts) => getComputedStyle(acts).opacity), "1");
            await inspect(page, `chat-acts-${size}-${colorScheme}`);
        }
    }
});

browserTest("without a script a message of one's own leads to its page", async (open) => {
    const { ann, conversation } = await pair();
    const { message_id } = await ann.send(conversation, "as sent");
    const page = await open({ javaScriptEnabled: false });
    await enter(page, ann);
    await page.goto(`/?conversation=${conversation}`);
    await page.locator(".meta noscript a").click();
    await page.getByText(message_id).first().waitFor();
});
