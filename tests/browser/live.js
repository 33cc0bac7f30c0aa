// Frames over a WebSocket: messages arrive without polling, and nothing is missing after a lost connection.

import assert from "node:assert/strict";
import { enter, framesOf, pair, texts, typesIn } from "./people.js";
import { browserTest, eventually } from "./support.js";

browserTest("a message arrives as a frame, and the page does not ask for it", async (open) => {
    const { ann, ben, conversation } = await pair();
    const page = await open();
    const frames = framesOf(page);
    await enter(page, ann, conversation);
    await eventually(() => frames.at(-1), "ready");
    await page.waitForLoadState("networkidle");
    const asked = [];
    page.on("request", (request) => request.url().includes("/api/messages/?") && asked.push(request.url()));
    await ben.send(conversation, "first");
    await eventually(() => texts(page), ["first"]);
    const second = await ben.send(conversation, "second");
    await eventually(() => texts(page), ["first", "second"]);
    assert.deepEqual(asked, []);
    await ben.call("DELETE", `/api/messages/${second.message_id}/`);
    await page.getByText("This message was deleted.").waitFor();
});

browserTest("after a lost connection, the page gets what it has missed", async (open) => {
    const { ann, ben, conversation } = await pair();
    const page = await open();
    const [frames, sockets] = [[], []];
    await page.routeWebSocket(/\/live\?/u, (socket) => {
        sockets.push(socket);
        socket.connectToServer().onMessage((message) => {
            frames.push(...typesIn(message));
            socket.send(message);
        });
    });
    await enter(page, ann, conversation);
    await eventually(() => frames.filter((type) => type === "ready").length > 0, true);
    await ben.send(conversation, "before");
    await eventually(() => texts(page), ["before"]);
    frames.length = 0;
    await sockets.at(-1).close();
    await ben.send(conversation, "meanwhile");
    await eventually(() => texts(page), ["before", "meanwhile"]);
    await eventually(() => frames.includes("ready"), true);
    await ben.send(conversation, "after");
    await eventually(() => texts(page), ["before", "meanwhile", "after"]);
});
