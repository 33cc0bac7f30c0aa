// Calls the API with the JavaScript of README.md, also after the access token has become invalid.
import assert from "node:assert/strict";
import { call, logIn, tokens } from "./app.mjs";

await assert.rejects(logIn("ann@example.com", "not the password"), Error);
await logIn("ann@example.com", "keys under the doormat");
assert.equal((await call("/api/users/me/")).status, 200);

const refreshToken = tokens.refresh;
tokens.access = "not a valid token";
const answers = await Promise.all([call("/api/users/me/"), call("/api/conversations/?limit=1")]);
assert.deepEqual(
    answers.map((answer) => answer.status),
    [200, 200],
);
assert.notEqual(tokens.refresh, refreshToken);
