// The picture of an alert as numbers: a lane for each step of the pattern, the events as marks along event time, the
// window, the moment of the decision, and the stretches in which something did not come. Draws nothing.
import type { Captured, Kind, Step } from "../api/types";
import { linear, timeTicks, type Scale, type Ticks } from "./scale";
import type { Zone } from "./time";

export interface TimelineInput {
  captured: Captured[];
  steps: Step[] | null;
  withinSeconds: number | null;
  firstTime: string;
  lastTime: string;
  decidedTime: string;
  kind: Kind;
}

export interface Lane {
  /** What lies in it. */
  variables: string[];
  text: string;
  absent: boolean;
  /** How many events lie in it. */
  count: number;
  top: number;
  /** Where its events lie. */
  middle: number;
}

export interface Mark {
  lane: number;
  x: number;
  /** Where it ends if it stands for several events; else the same as `x`. */
  end: number;
  y: number;
  /** Places of its events in `captured`, in order of time. */
  events: number[];
}

export interface Stretch {
  lane: number;
  from: number;
  to: number;
  y: number;
}

export interface Timeline {
  width: number;
  height: number;
  /** Where the axis lies. */
  axis: number;
  lanes: Lane[];
  marks: Mark[];
  stretches: Stretch[];
  /** From the first event on; `isCut` when it ends beyond the picture. */
  window: { from: number; to: number; isCut: boolean } | null;
  decided: number;
  ticks: Ticks;
  scale: Scale;
  /** Whether the picture could show more, or less, than it does. */
  canZoom: boolean;
}

export type Zoom = "events" | "window";

const LANE = 44;
const TOP = 30;
const BOTTOM = 34;
/** Marks nearer to each other than this are drawn as one. */
const NEAR = 11;
/** Below this width the names of lanes stand above them. */
const NARROW = 560;
const NAMES = 150;
/** If events take less of the window than this, they are shown large first. */
const SMALL_PART = 0.12;

const at = (text: string): number => Date.parse(text);

/** What is shown at first. */
export function firstZoom(input: TimelineInput): Zoom {
  const { withinSeconds, firstTime, lastTime, decidedTime } = input;
  if (withinSeconds === null) return "events";
  const taken = Math.max(at(lastTime), at(decidedTime)) - at(firstTime);
  return taken < withinSeconds * 1000 * SMALL_PART ? "events" : "window";
}

export function layOut(input: TimelineInput, width: number, zoom: Zoom, zone: Zone): Timeline {
  const isNarrow = width < NARROW;
  const [start, end] = times(input, zoom);
  const left = isNarrow ? 14 : NAMES;
  const scale = linear([start, end], [left + 10, width - (isNarrow ? 16 : 26)]);
  const lanes = lanesOf(input, isNarrow);
  const marks = marksOf(input, lanes, scale);
  const axis = TOP + lanes.length * LANE + (isNarrow ? 4 : 0);
  const windowEnd = input.withinSeconds === null ? null : at(input.firstTime) + input.withinSeconds * 1000;
  const window = windowEnd === null ? null : { from: scale(at(input.firstTime)), to: scale(Math.min(windowEnd, end)) };
  return {
    width,
    height: axis + BOTTOM,
    axis,
    lanes,
    marks,
    stretches: stretchesOf(input, lanes, scale),
    window: window === null ? null : { ...window, isCut: windowEnd! > end },
    decided: scale(at(input.decidedTime)),
    ticks: timeTicks(start, end, Math.max(2, Math.floor((width - left) / 110)), zone),
    scale,
    canZoom: windowEnd !== null && times(input, "window")[1] !== times(input, "events")[1],
  };
}

/** From when to when it is drawn. */
function times(input: TimelineInput, zoom: Zoom): [number, number] {
  const of = input.captured.map((event) => at(event.time));
  const start = Math.min(at(input.firstTime), ...of);
  const last = Math.max(at(input.lastTime), at(input.decidedTime), ...of);
  if (zoom === "window" && input.withinSeconds !== null) {
    return [start, Math.max(last, at(input.firstTime) + input.withinSeconds * 1000)];
  }
  // Of events of one moment a second is shown.
  return [start, last === start ? start + 1000 : last];
}

function lanesOf(input: TimelineInput, isNarrow: boolean): Lane[] {
  const steps: Step[] = [];
  const known = new Set<string>();
  for (const step of input.steps ?? []) {
    // A variable that the pattern names twice has one lane: its events do not say which of the two took them.
    const variables = step.absent ? [] : step.variables.filter((variable) => !known.has(variable));
    variables.forEach((variable) => known.add(variable));
    if (step.absent || variables.length > 0) steps.push({ ...step, variables });
  }
  for (const { variable } of input.captured) {
    if (!known.has(variable)) steps.push({ variables: [variable], text: variable, absent: false });
    known.add(variable);
  }
  return steps.map(({ variables, text, absent }, index) => {
    const count = input.captured.filter((event) => variables.includes(event.variable)).length;
    const top = TOP + index * LANE;
    return { variables, text, absent, count, top, middle: top + LANE / 2 + (isNarrow ? 6 : 0) };
  });
}

function marksOf(input: TimelineInput, lanes: Lane[], scale: Scale): Mark[] {
  return lanes.flatMap((lane, number) => {
    if (lane.absent) return [];
    const events = input.captured
      .map((event, index) => ({ index, time: at(event.time), variable: event.variable }))
      .filter((event) => lane.variables.includes(event.variable))
      .sort((one, other) => one.time - other.time);
    const marks: Mark[] = [];
    for (const { index, time } of events) {
      const x = scale(time);
      const last = marks.at(-1);
      if (last !== undefined && x - last.end < NEAR) {
        last.end = x;
        last.events.push(index);
      } else {
        marks.push({ lane: number, x, end: x, y: lane.middle, events: [index] });
      }
    }
    return marks;
  });
}

/** Between the events before and those after, or the decision, that did not come which must not. */
function stretchesOf(input: TimelineInput, lanes: Lane[], scale: Scale): Stretch[] {
  const timesOf = (lane: Lane): number[] =>
    input.captured.filter((event) => lane.variables.includes(event.variable)).map((event) => at(event.time));
  return lanes.flatMap((lane, number) => {
    if (!lane.absent) return [];
    const before = lanes.slice(0, number).flatMap(timesOf);
    const after = lanes.slice(number + 1).flatMap(timesOf);
    const from = before.length > 0 ? Math.max(...before) : at(input.firstTime);
    const to = after.length > 0 ? Math.min(...after) : at(input.decidedTime);
    return [{ lane: number, from: scale(Math.min(from, to)), to: scale(Math.max(from, to)), y: lane.middle }];
  });
}
