// The send of the `messages` function in JavaScript, for comparison: same event, same three calls, same item, same answer.
//
// It does less than the function, which is an advantage in the comparison: only the simplest refusals, a look-back of one
// page, no handling of contention, and no other routes. A loop over `node:http` replaces AWS's runtime interface client.

import { createHash } from "node:crypto";
import http from "node:http";
import {
    BatchGetItemCommand,
    ConditionalCheckFailedException,
    DynamoDBClient,
    PutItemCommand,
    QueryCommand,
} from "@aws-sdk/client-dynamodb";
import { decodeProtectedHeader, errors, importJWK, jwtVerify } from "jose";

const TABLE = process.env.TABLE_NAME;
const LATEST = 2n ** 42n - 1n;
const PAGE = 16;
const CLOCKS_DIFFER = 360_000_000n;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const dynamodb = new DynamoDBClient({});
const keys = await readKeys();

async function readKeys() {
    const found = await dynamodb.send(
        new QueryCommand({
            TableName: TABLE,
            KeyConditionExpression: "pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues: { ":pk": { S: "KEYS" }, ":sk": { S: "KEY#" } },
            ConsistentRead: true,
        }),
    );
    const imported = found.Items.map(async (key) => [
        key.sk.S.slice("KEY#".length),
        await importJWK({ kty: "OKP", crv: "Ed25519", x: key.x.S }, "EdDSA"),
    ]);
    return new Map(await Promise.all(imported));
}

async function caller(headers) {
    const [scheme, token] = (headers.authorization ?? "").split(" ");
    if (scheme.toLowerCase() !== "bearer" || !token) return null;
    try {
        const key = keys.get(decodeProtectedHeader(token).kid);
        if (!key) return null;
        const { payload } = await jwtVerify(token, key, {
            algorithms: ["EdDSA"],
            typ: "at+jwt",
            issuer: process.env.ISSUER,
            audience: process.env.AUDIENCE,
            requiredClaims: ["exp", "iss", "aud", "sub"],
        });
        return payload.sub;
    } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof TypeError) return null;
        throw error;
    }
}

const problem = (status, detail) => [status, "application/problem+json", { status, detail }];

// Reads the membership and the profile in one request.
async function standing(conversation, user) {
    const Keys = [
        { pk: { S: `CONV#${conversation}` }, sk: { S: `MEMBER#${user}` } },
        { pk: { S: `USER#${user}` }, sk: { S: "PROFILE" } },
    ];
    const found = await dynamodb.send(
        new BatchGetItemCommand({ RequestItems: { [TABLE]: { ConsistentRead: true, Keys } } }),
    );
    const items = found.Responses[TABLE];
    return ["member", "user"].map((kind) => items.find((item) => item.item.S === kind));
}

// Reads the newest messages, down to the last one that the client has seen.
async function newest(conversation, lowest) {
    const found = await dynamodb.send(
        new QueryCommand({
            TableName: TABLE,
            KeyConditionExpression: "pk = :pk AND sk BETWEEN :low AND :high",
            ExpressionAttributeValues: {
                ":pk": { S: `CONV#${conversation}` },
                ":low": { S: place(lowest) },
                ":high": { S: place(LATEST) },
            },
            ScanIndexForward: false,
            Limit: PAGE,
            ConsistentRead: true,
        }),
    );
    return found.Items;
}

const place = (number) => `MSG#${number.toString().padStart(13, "0")}`;
const numberOf = (item) => BigInt(item.sk.S.slice("MSG#".length));
const bits = (uuid) => BigInt(`0x${uuid.replaceAll("-", "")}`);

function digest(body) {
    const sha = createHash("sha256");
    for (const part of [Buffer.from(body), Buffer.alloc(0), Buffer.alloc(0)]) {
        const length = Buffer.alloc(8);
        length.writeBigUInt64BE(BigInt(part.length));
        sha.update(length).update(part);
    }
    return sha.digest().subarray(0, 16).toString("base64url");
}

// Returns true if the item is stored: written now, or found to be the same message.
async function put(item) {
    try {
        await dynamodb.send(
            new PutItemCommand({
                TableName: TABLE,
                Item: item,
                ConditionExpression: "attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure: "ALL_OLD",
            }),
        );
        return true;
    } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return error.Item.idempotency_key?.S === item.idempotency_key.S;
    }
}

function timestamp(micros) {
    const millis = new Date(Number(micros / 1000n)).toISOString().slice(0, -1);
    return `${millis}${(micros % 1000n).toString().padStart(3, "0")}Z`;
}

function view(item, number, conversation, user, profile) {
    const hex = (bits(conversation) | number).toString(16).padStart(32, "0");
    return {
        message_id: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
        sender: {
            user_id: user,
            first_name: profile.first_name.S,
            last_name: profile.last_name.S,
            email: profile.email.S,
            phone_number: profile.phone_number?.S ?? null,
            role: profile.role.S,
            created_at: timestamp(BigInt(profile.created_at.N)),
        },
        conversation,
        message_body: item.body.S,
        sent_at: timestamp(BigInt(item.sent_at.N)),
        edited_at: null,
        reply_to: null,
        client_id: item.idempotency_key.S,
        revision: 0,
        metadata: null,
    };
}

const isBody = (body) =>
    typeof body === "string" && body.trim() !== "" && [...body].length <= 16384 && Buffer.byteLength(body) <= 49152;

async function send(user, request) {
    const { conversation, client_id: key, after, message_body: body } = request;
    const ids = [conversation, key, after ?? conversation];
    if (!ids.every((id) => UUID.test(id))) return problem(400, "not an id");
    if (!isBody(body)) return problem(400, "message_body");
    const lowest = after ? bits(after) & LATEST : 1n;
    const [[member, profile], found] = await Promise.all([standing(conversation, user), newest(conversation, lowest)]);
    if (!member || !profile) return problem(400, "no such conversation");
    const since = (bits(key) >> 80n) * 1000n - CLOCKS_DIFFER;
    for (const item of found) {
        if (item.item.S !== "message" || BigInt(item.sent_at.N) < since) break;
        if (item.idempotency_key.S === key) {
            return [200, "application/json", view(item, numberOf(item), conversation, user, profile)];
        }
    }
    const number = found.length ? numberOf(found[0]) + 1n : 1n;
    const earliest = found.length ? BigInt(found[0].sent_at.N) + 1n : 0n;
    const now = BigInt(Date.now()) * 1000n;
    const item = {
        pk: { S: `CONV#${conversation}` },
        sk: { S: place(number) },
        item: { S: "message" },
        sender: { S: user },
        body: { S: body },
        sent_at: { N: (now > earliest ? now : earliest).toString() },
        idempotency_key: { S: key },
        digest: { S: digest(body) },
        revision: { N: "0" },
    };
    if (!(await put(item))) return problem(503, "somebody else was first");
    return [201, "application/json", view(item, number, conversation, user, profile)];
}

async function route(event, user) {
    if (!user) return problem(401, "no token, or a bad one");
    const { method } = event.requestContext.http;
    if (method !== "POST" || event.rawPath.replace(/\/$/, "") !== "/api/messages") return problem(404, "not found");
    return send(user, JSON.parse(event.body));
}

async function handle(event) {
    const begun = performance.now();
    const { requestId } = event.requestContext;
    const user = await caller(event.headers);
    const [status, kind, body] = await route(event, user);
    const line = {
        timestamp: new Date().toISOString(),
        level: "INFO",
        message: "request",
        request_id: requestId,
        user,
        status,
        millis: Math.trunc(performance.now() - begun),
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    const headers = { "content-type": kind, "cache-control": "no-store", "x-request-id": requestId };
    return { statusCode: status, headers, body: JSON.stringify(body), isBase64Encoded: false };
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");

function runtime(method, path, body) {
    return new Promise((resolve, reject) => {
        const request = http.request({ agent, host, port, method, path: `/2018-06-01/runtime/invocation/${path}` });
        request.on("error", reject);
        request.on("response", (response) => {
            const chunks = [];
            response.on("data", (chunk) => chunks.push(chunk));
            response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
        });
        request.end(body);
    });
}

for (;;) {
    const given = await runtime("GET", "next");
    const answer = JSON.stringify(await handle(JSON.parse(given.body)));
    await runtime("POST", `${given.headers["lambda-runtime-aws-request-id"]}/response`, answer);
}
