// What the whole page shares: how the service is, asked every few seconds, and the alerts as they come.
import { signal } from "@preact/signals";
import { get } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { listen, type Listener, type StreamState } from "../api/stream";
import type { Overview } from "../api/types";
import { setClock } from "./clock";

export const overview = signal<Overview | null>(null);
export const overviewProblem = signal<Problem | null>(null);
export const streamState = signal<StreamState>("connecting");
/** How many alerts have come since somebody looked at the list. */
export const unseen = signal(0);

const EVERY_MS = 5_000;
const hearers = new Set<Listener>();

/** Hears what comes, until the returned function is called. */
export function hear(listener: Listener): () => void {
  hearers.add(listener);
  return () => hearers.delete(listener);
}

/** Keeps all of it up to date until the returned function is called. */
export function live(): () => void {
  const stop = listen({}, null, {
    alert: (alert) => {
      unseen.value += 1;
      hearers.forEach((hearer) => hearer.alert?.(alert));
    },
    changed: (changed) => hearers.forEach((hearer) => hearer.changed?.(changed)),
    missed: (count) => hearers.forEach((hearer) => hearer.missed?.(count)),
    state: (state) => (streamState.value = state),
  });
  const asking = new AbortController();
  let timer: ReturnType<typeof setTimeout>;
  const ask = async (): Promise<void> => {
    if (!document.hidden) {
      try {
        const answer = await get<Overview>("overview", {}, asking.signal);
        setClock(answer.now);
        overview.value = answer;
        overviewProblem.value = null;
      } catch (error) {
        if (asking.signal.aborted) return;
        overviewProblem.value = asProblem(error);
      }
    }
    if (!asking.signal.aborted) timer = setTimeout(() => void ask(), EVERY_MS);
  };
  void ask();
  const seen = (): void => {
    if (document.hidden) return;
    clearTimeout(timer);
    void ask();
  };
  document.addEventListener("visibilitychange", seen);
  return () => {
    stop();
    asking.abort();
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  };
}
