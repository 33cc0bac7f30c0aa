// Pairs of people, and how they meet the chat page.

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

/** Waits until the script is there, which says, where there is room for it, how messages are sent from the keyboard. */
export const ready = (page) => page.locator("#hint:not([hidden])").waitFor({ state: "attached" });
