// Events of the playground: text with one JSON object in each line, read, and written from an alert.
import type { Captured, Json, PlayEvent } from "../api/types";

export interface Line {
  /** From 1 on. */
  line: number;
  why: string;
}

export interface Events {
  events: PlayEvent[];
  /** The line of each event. */
  lines: number[];
  problems: Line[];
}

/**
 * Reads events: `{"stream": "…", "record": {…}}`, with `"time": "…"` where the stream has no time in its records, or records as they are, which then belong to the stream that was
 * chosen. Empty lines and those that begin with `#` or `//` are passed over.
 */
export function readEvents(text: string, stream: string): Events {
  const read: Events = { events: [], lines: [], problems: [] };
  text.split("\n").forEach((content, index) => {
    const line = index + 1;
    const trimmed = content.trim();
    if (trimmed === "" || trimmed.startsWith("#") || trimmed.startsWith("//")) return;
    const event = readLine(trimmed, stream);
    if (typeof event === "string") {
      read.problems.push({ line, why: event });
    } else {
      read.events.push(event);
      read.lines.push(line);
    }
  });
  return read;
}

function readLine(text: string, stream: string): PlayEvent | string {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return "This is no JSON. Each line is one event, written as one JSON object.";
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "An event is a JSON object.";
  if (typeof value["stream"] === "string" && typeof value["record"] === "object" && value["record"] !== null) {
    const event = { stream: value["stream"], record: value["record"] };
    return typeof value["time"] === "string" ? { ...event, time: value["time"] } : event;
  }
  if (stream === "") return 'Choose a stream for plain records, or write {"stream": "…", "record": {…}}.';
  return { stream, record: value };
}

/** Captured events as text that can be read again, in order of time. */
export function writeEvents(captured: readonly Captured[]): string {
  const ordered = [...captured].sort((one, other) => Date.parse(one.time) - Date.parse(other.time));
  return ordered.map(({ stream, time, record }) => JSON.stringify({ stream: stream ?? "", time, record })).join("\n");
}
