// Times in the time zone of the reader. Without this script, the page shows UTC.

// The page is in English. The variant of English that the reader prefers decides the format of dates.
const language = navigator.languages.find((tag) => tag.startsWith("en")) ?? "en-GB";
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(language, { weekday: "long" });
const day = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
const year = new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" });
const short = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" });

const start = (time) => new Date(time.getFullYear(), time.getMonth(), time.getDate());
const daysAgo = (time) => Math.round((start(new Date()) - start(time)) / 86_400_000);

/** Returns the same key for all times of one day in this time zone. */
export const dayKey = (time) => `${time.getFullYear()}-${time.getMonth() + 1}-${time.getDate()}`;

export const clockTime = (time) => clock.format(time);

export const fullTime = (time) => full.format(time);

/** Returns the heading of a day. */
export function dayName(time) {
    const ago = daysAgo(time);
    if (ago === 0) return "Today";
    if (ago === 1) return "Yesterday";
    if (ago > 1 && ago < 7) return weekday.format(time);
    return time.getFullYear() === new Date().getFullYear() ? day.format(time) : year.format(time);
}

/** Returns a time that fits beside the title of a conversation. */
export function shortTime(time) {
    const ago = daysAgo(time);
    if (ago === 0) return clock.format(time);
    if (ago === 1) return "Yesterday";
    return time.getFullYear() === new Date().getFullYear() ? short.format(time) : year.format(time);
}
