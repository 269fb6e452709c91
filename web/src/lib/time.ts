// Times as people read them. Nothing here reads a clock.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export type Zone = "utc" | "local";

const two = (number: number): string => String(number).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  milli: number;
}

function parts(ms: number, zone: Zone): Parts {
  const time = new Date(ms);
  return zone === "utc"
    ? {
        year: time.getUTCFullYear(),
        month: time.getUTCMonth(),
        day: time.getUTCDate(),
        hour: time.getUTCHours(),
        minute: time.getUTCMinutes(),
        second: time.getUTCSeconds(),
        milli: time.getUTCMilliseconds(),
      }
    : {
        year: time.getFullYear(),
        month: time.getMonth(),
        day: time.getDate(),
        hour: time.getHours(),
        minute: time.getMinutes(),
        second: time.getSeconds(),
        milli: time.getMilliseconds(),
      };
}

/** `20 Nov 05:43:40`, with the year if it is not this one. */
export function shortTime(ms: number, now: number, zone: Zone): string {
  const { year, month, day, hour, minute, second } = parts(ms, zone);
  const ofYear = year === parts(now, zone).year ? "" : ` ${year}`;
  return `${day} ${MONTHS[month]}${ofYear} ${two(hour)}:${two(minute)}:${two(second)}`;
}

/** `05:43:40`, or `05:43:40.120` where that matters. */
export function clockTime(ms: number, zone: Zone, millis = false): string {
  const { hour, minute, second, milli } = parts(ms, zone);
  return `${two(hour)}:${two(minute)}:${two(second)}${millis ? `.${String(milli).padStart(3, "0")}` : ""}`;
}

/** `2026-11-20 05:43:40.120 UTC`: the whole of it. */
export function exactTime(ms: number, zone: Zone): string {
  const { year, month, day, milli } = parts(ms, zone);
  const name = zone === "utc" ? "UTC" : offsetName(ms);
  return `${year}-${two(month + 1)}-${two(day)} ${clockTime(ms, zone, milli !== 0)} ${name}`;
}

function offsetName(ms: number): string {
  const offset = -new Date(ms).getTimezoneOffset();
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  return `UTC${offset < 0 ? "−" : "+"}${hours}${minutes === 0 ? "" : `:${two(minutes)}`}`;
}

/** `just now`, `40 s ago`, `5 min ago`, `in 3 h`: how far a time lies from another. */
export function relativeTime(ms: number, now: number): string {
  const away = Math.abs(now - ms);
  if (away < 5 * SECOND) return "just now";
  const text = roughly(away);
  return ms <= now ? `${text} ago` : `in ${text}`;
}

/** A span in its largest unit. */
export function roughly(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} d`;
}

/** A span in its two largest units that are not zero: `2 min 5 s`, `4 h`, `0.35 s`. */
export function span(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  if (ms < 0) return `−${span(-seconds)}`;
  if (ms < 10 * SECOND && ms % SECOND !== 0) return `${ms / 1000} s`;
  const units: [number, string][] = [[DAY, "d"], [HOUR, "h"], [MINUTE, "min"], [SECOND, "s"]];
  const first = units.findIndex(([size]) => ms >= size);
  if (first < 0) return "0 s";
  let rest = ms;
  const texts: string[] = [];
  for (const [size, name] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) texts.push(`${count} ${name}`);
  }
  return texts.join(" ");
}

/** Reads `15m`, `2h`, `7d`, `90s` as seconds; none if it is no span. */
export function parseSpan(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w)\s*$/.exec(text);
  if (match === null) return null;
  const size = { s: 1, m: 60, min: 60, h: 3600, d: 86_400, w: 604_800 }[match[2] as "s"];
  return Number(match[1]) * size;
}
