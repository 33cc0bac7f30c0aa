// Logging in and out, with and without a script, and forged requests from another site.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { address, browserTest, inspect, logIn, Person } from "./support.js";

for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? "with" : "without";
    browserTest(`one logs in and out ${how} a script`, async (open) => {
        const page = await open({ javaScriptEnabled });
        page.expectErrors(/status of 401/u);
        await page.goto("/");
        await page.waitForURL(address("/api-auth/login/?next=*"));
        await page.getByLabel("Email").fill("ann@example.com");
        await page.getByLabel("Password").fill("not this one");
        await page.getByRole("button", { name: "Log in" }).click();
        await page.getByRole("alert").first().waitFor();
        assert.equal(await page.getByLabel("Password").inputValue(), "");
        // After a wrong password, the next attempt has to wait for a moment. The page says so.
        for (let tries = 0; tries < 10 && page.url() !== address("/"); tries += 1) {
            await page.getByLabel("Password").fill("keys under the doormat");
            await page.getByRole("button", { name: "Log in" }).click();
            await page.waitForLoadState();
        }
        assert.equal(page.url(), address("/"));
        await page.getByRole("heading", { name: "Messages" }).waitFor();
        await page.goto("/api/");
        await page.getByText("Ann Lindqvist").waitFor();
        await page.getByRole("button", { name: "Log out" }).click();
        await page.goto("/");
        await page.waitForURL(address("/api-auth/login/?next=*"));
    });
}

browserTest("the pages around the login have no faults", async (open) => {
    for (const colorScheme of ["light", "dark"]) {
        const page = await open({ colorScheme });
        page.expectErrors(/status of 4\d\d/u);
        await page.goto("/api-auth/login/");
        await inspect(page, `login-${colorScheme}`);
        await page.getByLabel("Email").fill("nobody-there@example.com");
        await page.getByLabel("Password").fill("whatever it may be");
        await page.getByRole("button", { name: "Log in" }).click();
        await page.getByRole("alert").first().waitFor();
        await inspect(page, `login-refused-${colorScheme}`);
        await logIn(page, "ann@example.com");
        await page.goto("/api-auth/logout/");
        await inspect(page, `logout-${colorScheme}`);
    }
});

browserTest("a form without its token, or with another's, is refused", async (open) => {
    const [ann, ben] = [await Person.named("Ann"), await Person.named("Ben")];
    const conversation = await ann.direct(ben);
    const [hers, his] = [await open(), await open()];
    await logIn(hers, ann.email);
    await logIn(his, ben.email);
    const token = (page) => page.locator("[name=csrfmiddlewaretoken]").first().inputValue();
    const form = { conversation, message_body: "forged" };
    for (const csrfmiddlewaretoken of [undefined, "", "x".repeat(43), await token(his)]) {
        const sent = csrfmiddlewaretoken === undefined ? form : { ...form, csrfmiddlewaretoken };
        for (const path of ["/", "/api/messages/"]) {
            const answer = await hers.request.post(path, { form: sent, maxRedirects: 0 });
            assert.equal(answer.status(), 403, `${path} with ${csrfmiddlewaretoken}`);
        }
    }
    assert.deepEqual(await ann.texts(conversation), []);
    const answer = await hers.request.post("/", {
        form: { ...form, csrfmiddlewaretoken: await token(hers) },
        maxRedirects: 0,
    });
    assert.equal(answer.status(), 303, "and with its own it is sent");
});

browserTest("another site's page sends nothing in one's name", async (open) => {
    const [ann, ben] = [await Person.named("Ann"), await Person.named("Ben")];
    const conversation = await ann.direct(ben);
    const page = await open();
    page.expectErrors(/.*/u);
    await logIn(page, ann.email);
    const token = await page.locator("[name=csrfmiddlewaretoken]").first().inputValue();
    // The attacker even has the token.
    const fields = { conversation, message_body: "forged", csrfmiddlewaretoken: token };
    const inputs = Object.entries(fields).map(([name, value]) => `<input name="${name}" value="${value}">`);
    const evil = createServer((_, response) => {
        response.setHeader("Content-Type", "text/html");
        response.end(`<form method="post" action="${address("/")}">${inputs.join("")}<button>Win</button></form>`);
    });
    await new Promise((ready) => evil.listen(0, "127.0.0.1", ready));
    try {
        // Another port of this machine is the same site, so the browser sends the cookie. Only the origin differs.
        await page.goto(`http://127.0.0.1:${evil.address().port}/`);
        const [answer] = await Promise.all([
            page.waitForResponse((response) => response.url() === address("/")),
            page.getByRole("button", { name: "Win" }).click(),
        ]);
        assert.equal(answer.status(), 403);
    } finally {
        evil.close();
    }
    assert.deepEqual(await ann.texts(conversation), []);
});
