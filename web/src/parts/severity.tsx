// How much an alert matters and what has become of it: always a shape and a word beside the colour.
import { SEVERITIES, type Kind, type Mode, type Severity, type Status } from "../api/types";

/** Different outlines, heavier the more it matters. */
const SHAPES: Record<Severity, string> = {
  critical: "M8 .8 15.2 8 8 15.2.8 8z",
  high: "M8 1.2 15.2 14.2H.8z",
  medium: "M2 2h12v12H2z",
  low: "M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13z",
  info: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z",
};

export function SeverityShape({ severity, size = 12 }: { severity: Severity; size?: number }) {
  return (
    <svg class={`shape ${severity}`} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={SHAPES[severity]} />
    </svg>
  );
}

export function SeverityTag({ severity, quiet = false }: { severity: Severity; quiet?: boolean }) {
  return (
    <span class={`severity ${severity}${quiet ? " quiet" : ""}`}>
      <SeverityShape severity={severity} />
      <span class="word">{severity}</span>
    </span>
  );
}

/** The heaviest first, as legends list them. */
export const HEAVIEST_FIRST = [...SEVERITIES].reverse();

const STATUS_WORDS: Record<Status, string> = {
  open: "open",
  acknowledged: "acknowledged",
  resolved: "resolved",
  held: "held back",
};

export function StatusTag({ status, by }: { status: Status; by?: string | null }) {
  return (
    <span class={`status ${status}`} title={by ? `by ${by}` : undefined}>
      <span class="dot" aria-hidden="true" />
      {STATUS_WORDS[status]}
      {by ? <span class="by"> · {by}</span> : null}
    </span>
  );
}

export const KIND_WORDS: Record<Kind, string> = {
  match: "the pattern matched",
  timeout: "the time ran out",
  limit: "a limit was reached",
};

export function ModeTag({ mode }: { mode: Mode }) {
  return <span class={`mode ${mode}`}>{mode}</span>;
}
