// Pairs of users, and their way to the chat page.

import { logIn, Person } from "./support.js";

export const LOST = /Failed to load resource/u;

export const texts = (page) => page.locator(".messages .m .text").allTextContents();
export const compose = (page) => page.getByRole("textbox", { name: /^Message to/u });

export async function pair() {
    const [ann, ben] = [await Person.named("Ann"), await Person.named("Ben")];
    return { ann, ben, conversation: await ann.direct(ben) };
}

export async function enter(page, person, conversation) {
    await logIn(page, person.email);
    if (conversation) {
        await page.goto(`/?conversation=${conversation}`);
        await ready(page);
    }
}

/** Collects the types of the frames that a page receives. */
export function framesOf(page) {
    const frames = [];
    page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => frames.push(...typesIn(payload))));
    return frames;
}

/** Returns the types of the frames in a message: one frame, or an array of frames. */
export const typesIn = (payload) => [JSON.parse(payload)].flat().map(({ type }) => type);

/** Waits until the script runs. It shows the hint for the keyboard, if there is room for it. */
export const ready = (page) => page.locator("#hint:not([hidden])").waitFor({ state: "attached" });
