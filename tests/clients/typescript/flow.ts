// A client in TypeScript: types by openapi-typescript, requests by openapi-fetch.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Problem = components["schemas"]["Problem"];

const PASSWORD = "keys under the doormat";
const baseUrl = process.env["API"];
assert.ok(baseUrl, "API names the API");
const api = createClient<paths>({ baseUrl });

/** Returns the data of an answer, or throws its problem. */
function data<T>(answer: { data?: T; error?: Problem }): T {
    if (answer.data !== undefined) return answer.data;
    throw new Error(`${answer.error?.code}: ${answer.error?.detail}`);
}

/** Makes an idempotency key, a UUIDv7: 48 bits of time before random ones. */
function newKey(): string {
    const time = Date.now().toString(16).padStart(12, "0");
    const random = randomBytes(10).toString("hex");
    return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-a${random.slice(3, 6)}-${random.slice(6, 18)}`;
}

async function register(firstName: string) {
    const email = `${firstName.toLowerCase()}.${randomUUID()}@example.com`;
    const body = { email, password: PASSWORD, first_name: firstName, last_name: "Miller" };
    return { email, user: data(await api.POST("/api/users/", { body })) };
}

const [ann, ben] = [await register("Ann"), await register("Ben")];

// Log in, and send the token with every request from here on.
const tokens = data(await api.POST("/api/token/", { body: { email: ann.email, password: PASSWORD } }));
let access = tokens.access;
// The next login on this device sends the token of the device.
const onDevice = { email: ann.email, password: PASSWORD, device_token: tokens.device_token };
assert.equal(data(await api.POST("/api/token/", { body: onDevice })).device_token, tokens.device_token);
api.use({
    onRequest({ request }) {
        request.headers.set("Authorization", `Bearer ${access}`);
    },
});

// Open the direct conversation with Ben.
const opened = await api.POST("/api/conversations/", { body: { kind: "direct", participants: [ben.user.user_id] } });
const conversation = data(opened).conversation_id;

// Send twice under one key: the second answer is the first message.
const body = { conversation, message_body: "See you at six.", client_id: newKey(), metadata: { colour: "blue" } };
const first = await api.POST("/api/messages/", { body });
const again = await api.POST("/api/messages/", { body });
assert.deepEqual([first.response.status, again.response.status], [201, 200]);
assert.equal(data(again).message_id, data(first).message_id);
assert.deepEqual(data(again).metadata, { colour: "blue" });

// Handle a problem by its code.
const reused = await api.POST("/api/messages/", { body: { ...body, message_body: "See you at seven." } });
assert.equal(reused.error?.code, "client_id_reused");

// Page: the newest two of three messages, then the one before them.
for (const message_body of ["two", "three"])
    data(await api.POST("/api/messages/", { body: { conversation, message_body } }));
const newest = data(await api.GET("/api/messages/", { params: { query: { conversation, limit: 2 } } }));
assert.deepEqual(
    newest.results.map((message) => message.message_body),
    ["three", "two"],
);
assert.ok(newest.next);
const before = new URL(newest.next).searchParams.get("before");
assert.ok(before);
const older = data(await api.GET("/api/messages/", { params: { query: { conversation, before, limit: 2 } } }));
assert.deepEqual(
    older.results.map((message) => message.message_body),
    ["See you at six."],
);
assert.equal(older.next, null);

// Edit with If-Match: the first edit succeeds, and a second with the same tag is refused.
const path = { id: data(first).message_id };
const tag = first.response.headers.get("ETag");
assert.ok(tag);
const edit = (message_body: string) =>
    api.PATCH("/api/messages/{id}/", { params: { path, header: { "If-Match": tag } }, body: { message_body } });
assert.equal(data(await edit("See you at eight.")).message_body, "See you at eight.");
assert.equal((await edit("See you at nine.")).error?.code, "precondition_failed");

// Refresh, use the new token, log out.
const refreshed = data(await api.POST("/api/token/refresh/", { body: { refresh: tokens.refresh } }));
access = refreshed.access;
assert.equal(data(await api.GET("/api/users/me/")).email, ann.email);
data(await api.POST("/api/token/blacklist/", { body: { refresh: refreshed.refresh } }));
const ended = await api.POST("/api/token/refresh/", { body: { refresh: refreshed.refresh } });
assert.equal(ended.error?.code, "token_not_valid");
console.log("TypeScript: passed");
