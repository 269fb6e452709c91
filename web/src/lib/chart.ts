// What bars and lines over time need: buckets filled in, put together, stacked.
import { SEVERITIES, type CountBucket, type Counts, type Severity } from "../api/types";
import { niceTop } from "./scale";

export interface Bar {
  from: number;
  to: number;
  total: number;
  counts: Record<Severity, number>;
}

const zero = (): Record<Severity, number> => ({ info: 0, low: 0, medium: 0, high: 0, critical: 0 });

/** One bar for each step between two times, with zeros where nothing was. */
export function barsOf({ since, until, step_seconds, buckets }: Counts): Bar[] {
  const step = step_seconds * 1000;
  const [from, to] = [Date.parse(since), Date.parse(until)];
  const byTime = new Map(buckets.map((bucket): [number, CountBucket] => [Date.parse(bucket.time), bucket]));
  const first = buckets[0] === undefined ? from : Date.parse(buckets[0].time);
  // Steps lie as the service has laid them.
  const start = first - Math.max(0, Math.ceil((first - from) / step)) * step;
  const bars: Bar[] = [];
  for (let time = start; time < to && bars.length < 2_000; time += step) {
    const counts = zero();
    const bucket = byTime.get(time);
    if (bucket !== undefined) for (const severity of SEVERITIES) counts[severity] = bucket[severity];
    bars.push({ from: time, to: time + step, counts, total: SEVERITIES.reduce((sum, one) => sum + counts[one], 0) });
  }
  return bars;
}

/** The top of the axis: whole numbers, four at least. */
export function topOf(bars: readonly Bar[]): number {
  return Math.max(4, Math.ceil(niceTop(Math.max(0, ...bars.map((bar) => bar.total)))));
}

/** How many of each severity all bars have. */
export function totalsOf(bars: readonly Bar[]): Record<Severity, number> {
  const all = zero();
  for (const bar of bars) for (const severity of SEVERITIES) all[severity] += bar.counts[severity];
  return all;
}

/** So many averages of values at most, each over equally many, the last ones whole. */
export function averages(values: readonly (number | null)[], most: number): (number | null)[] {
  const size = Math.ceil(values.length / most);
  if (size < 2) return [...values];
  const all: (number | null)[] = [];
  for (let end = values.length; end > 0; end -= size) {
    const known = values.slice(Math.max(0, end - size), end).filter((value) => value !== null);
    all.push(known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length);
  }
  return all.reverse();
}

/** The points of a line, as an SVG path; gaps where there is no value. */
export function linePath(points: readonly (readonly [number, number | null])[]): string {
  let isOpen = false;
  return points
    .map(([x, y]) => {
      if (y === null) {
        isOpen = false;
        return "";
      }
      const piece = `${isOpen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      isOpen = true;
      return piece;
    })
    .join("");
}
