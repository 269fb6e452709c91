// Scales of pictures: from values to places, and where to draw lines.
import type { Zone } from "./time";

export interface Scale {
  (value: number): number;
  domain: [number, number];
  range: [number, number];
}

/** A straight scale; of an empty domain everything lies in the middle. */
export function linear(domain: [number, number], range: [number, number]): Scale {
  const [from, to] = domain;
  const [start, end] = range;
  const at = (value: number): number =>
    to === from ? (start + end) / 2 : start + ((value - from) / (to - from)) * (end - start);
  return Object.assign(at, { domain, range });
}

/** The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below a value: the top of an axis. */
export function niceTop(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const found = [1, 2, 2.5, 5, 10].find((step) => value <= step * power * (1 + 1e-9)) ?? 10;
  return found * power;
}

const STEPS_S = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
  10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_776_000, 31_536_000,
];

export interface Ticks {
  times: number[];
  stepMs: number;
}

/** Round times between two, so many at most. In local time they are round there. */
export function timeTicks(from: number, to: number, most: number, zone: Zone): Ticks {
  const wanted = (to - from) / 1000 / Math.max(1, most);
  const stepMs = (STEPS_S.find((step) => step >= wanted) ?? STEPS_S.at(-1)!) * 1000;
  const offset = zone === "utc" ? 0 : -new Date(from).getTimezoneOffset() * 60_000;
  const times: number[] = [];
  for (let time = Math.ceil((from + offset) / stepMs) * stepMs - offset; time <= to; time += stepMs) {
    times.push(time);
    if (times.length > 100) break;
  }
  return { times, stepMs };
}
