// The page's clock, and how times are shown. Two kinds of time are never mixed up: *wall-clock* times say when something
// happened here and are shown by how long ago that is; *event times* come from the events and are shown as they are.
import { signal } from "@preact/signals";
import { remember, remembered } from "../lib/theme";
import { clockTime, exactTime, relativeTime, shortTime, type Zone } from "../lib/time";

/** The service's time, a few seconds old at most. */
export const now = signal(Date.now());
/** How far the service's clock is ahead of this machine's. */
let ahead = 0;
export const zone = signal<Zone>(remembered("tripline.zone") === "local" ? "local" : "utc");

export function startClock(): void {
  setInterval(() => (now.value = Date.now() + ahead), 5_000);
}

/** The service has said what time it has. */
export function setClock(serviceTime: string): void {
  const time = Date.parse(serviceTime);
  if (Number.isNaN(time)) return;
  ahead = time - Date.now();
  now.value = time;
}

export const nowMs = (): number => Date.now() + ahead;

export function chooseZone(chosen: Zone): void {
  zone.value = chosen;
  remember("tripline.zone", chosen);
}

/** When something happened here: `5 min ago`, with the exact time to be had. */
export function Ago({ time }: { time: string }) {
  const ms = Date.parse(time);
  return (
    <time class="ago" dateTime={time} title={`${exactTime(ms, zone.value)}, by the wall clock`}>
      {relativeTime(ms, Math.max(now.value, ms <= nowMs() ? ms : 0))}
    </time>
  );
}

/** A time that lies ahead, or may. */
export function Until({ time }: { time: string }) {
  const ms = Date.parse(time);
  return (
    <time class="ago" dateTime={time} title={`${exactTime(ms, zone.value)}, by the wall clock`}>
      {relativeTime(ms, now.value)}
    </time>
  );
}

/** When something happened here, written out. */
export function Wall({ time }: { time: string }) {
  const ms = Date.parse(time);
  return (
    <time dateTime={time} title={`${exactTime(ms, zone.value)}, by the wall clock (${relativeTime(ms, now.value)})`}>
      {shortTime(ms, now.value, zone.value)}
    </time>
  );
}

/** When something happened as the events say. */
export function EventTime({ time, short = false }: { time: string; short?: boolean }) {
  const ms = Date.parse(time);
  const text = short ? clockTime(ms, zone.value) : shortTime(ms, now.value, zone.value);
  return (
    <time class="event-time" dateTime={time} title={`${exactTime(ms, zone.value)}, event time`}>
      {text}
    </time>
  );
}
