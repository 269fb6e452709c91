// The live stream of alerts: read by fetch, so that a token can be sent; connected again by itself, from where it was.
import { headers, noteLocked, query, type Params } from "./client";
import { asProblem, problemOf } from "./problem";
import { EventReader, type ServerEvent } from "./sse";
import type { AlertSummary, Status } from "./types";

export type StreamState = "connecting" | "live" | "waiting";

export interface Changed {
  id: string;
  status: Status;
  status_by: string | null;
}

export interface Listener {
  alert?: (alert: AlertSummary) => void;
  changed?: (changed: Changed) => void;
  missed?: (count: number) => void;
  state?: (state: StreamState) => void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** The service sends a line every 15 s; a connection that is silent for longer is dead. */
const SILENCE_MS = 45_000;

/** How long to wait before the try after so many that have failed; `chance` is between 0 and 1. */
export function pauseAfter(failures: number, chance: number): number {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
  return pause * (0.5 + chance / 2);
}

/** Listens until the returned function is called: to what comes behind the alert of a number, or from now on. */
export function listen(filter: Params, after: number | null, listener: Listener): () => void {
  const stop = new AbortController();
  void go(filter, after, listener, stop.signal);
  return () => stop.abort();
}

async function go(filter: Params, after: number | null, listener: Listener, stop: AbortSignal): Promise<void> {
  let last = after === null ? null : String(after);
  let failures = 0;
  while (!stop.aborted) {
    listener.state?.("connecting");
    try {
      await read(filter, last, stop, {
        opened: () => {
          failures = 0;
          listener.state?.("live");
        },
        event: (event) => {
          if (event.id !== null) last = event.id;
          tell(event, listener);
        },
      });
    } catch (error) {
      // Who has no token waits until there is one: then the whole page begins again.
      if (stop.aborted || asProblem(error).status === 401) return;
    }
    listener.state?.("waiting");
    await pause(pauseAfter(failures++, Math.random()), stop);
  }
}

interface Reading {
  opened: () => void;
  event: (event: ServerEvent) => void;
}

async function read(filter: Params, last: string | null, stop: AbortSignal, reading: Reading): Promise<void> {
  const dead = new AbortController();
  const abort = (): void => dead.abort();
  stop.addEventListener("abort", abort, { once: true });
  let watch = setTimeout(abort, SILENCE_MS);
  try {
    const head = headers({ Accept: "text/event-stream", ...(last === null ? {} : { "Last-Event-ID": last }) });
    const answer = await fetch(`v1/alerts/stream${query(filter)}`, {
      headers: head,
      signal: dead.signal,
      cache: "no-store",
    });
    if (!answer.ok || answer.body === null) {
      noteLocked(answer.status);
      throw problemOf(answer.status, await answer.text());
    }
    reading.opened();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const events = new EventReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(watch);
      watch = setTimeout(abort, SILENCE_MS);
      events.push(value).forEach(reading.event);
    }
  } finally {
    clearTimeout(watch);
    stop.removeEventListener("abort", abort);
  }
}

function tell({ event, data }: ServerEvent, listener: Listener): void {
  const value: unknown = JSON.parse(data);
  if (event === "alert") listener.alert?.(value as AlertSummary);
  else if (event === "changed") listener.changed?.(value as Changed);
  else if (event === "missed") listener.missed?.((value as { count: number }).count);
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    stop.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });
}
