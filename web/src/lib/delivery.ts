// How the sending of an alert stands: one line for each sink that it was handed to, of what was decided and what has come
// of it.
import type { Decision, Delivery } from "../api/types";

export interface Sending {
  sink: string;
  /** The id that it was sent under; empty where nothing has come of it yet. */
  notification: string;
  outcome: Delivery["outcome"] | "waiting";
  /** How many attempts have failed. */
  failed: number;
  at: string;
  /** What went wrong last, if it is not accepted. */
  error: string;
  to: string | null;
}

export function sendingsOf(decisions: readonly Decision[], deliveries: readonly Delivery[]): Sending[] {
  const all = new Map<string, Sending>();
  for (const { sink, notification, outcome, at, error = "", to = null } of deliveries) {
    const key = `${sink} ${notification}`;
    const failed = (all.get(key)?.failed ?? 0) + (outcome === "failed" ? 1 : 0);
    all.set(key, { sink, notification, outcome, failed, at, error: outcome === "accepted" ? "" : error, to });
  }
  const sendings = [...all.values()];
  for (const { at, decision, sinks = [] } of decisions) {
    // These name sinks that something would have gone to, or will.
    if (decision === "already" || decision === "waits" || decision === "resolved") continue;
    for (const sink of sinks) {
      if (sendings.some((sending) => sending.sink === sink)) continue;
      sendings.push({ sink, notification: "", outcome: "waiting", failed: 0, at, error: "", to: null });
    }
  }
  return sendings;
}
