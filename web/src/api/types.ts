// What the API answers, as far as the page reads it. Times are RFC 3339 texts.

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
export type Named = { [name: string]: Json };

export const SEVERITIES = ["info", "low", "medium", "high", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];
export type Kind = "match" | "timeout" | "limit";
export const STATUSES = ["open", "acknowledged", "resolved", "held"] as const;
export type Status = (typeof STATUSES)[number];
export const ROLES = ["read", "operate", "admin"] as const;
export type Role = (typeof ROLES)[number];
export type Mode = "live" | "shadow" | "off";

export interface Me {
  name: string;
  role: Role;
}

export interface Trouble {
  part: string;
  why: string;
}

export interface Ready {
  status: "ok" | "degraded" | "failing";
  reasons?: Trouble[];
  notes?: Trouble[];
}

export interface Sample {
  time: string;
  events_per_second: number;
  alerts_per_second: number;
  lag_seconds: number | null;
  partial_matches: number;
}

export interface Source {
  name: string;
  type: string;
  streams: string[];
  events: number;
  rejected: number;
  late: number;
}

export interface Sink {
  name: string;
  type: string;
  waiting: number;
  sent: number;
  /** Alerts that were given up for it since the service began. */
  failed: number;
  /** Of these, those that are kept. */
  dead: number;
  disabled: string | null;
}

export interface Overview {
  version: string;
  started: string;
  now: string;
  event_time?: string | null;
  lag_seconds: number | null;
  ready: Ready;
  totals: {
    events: number;
    rejected: number;
    late: number;
    alerts: number;
    partial_matches: number;
    keys: number;
    waiting_alerts: number;
    dead_letters: number;
  };
  samples: Sample[];
  sources: Source[];
  sinks: Sink[];
}

/** Something that was decided of an alert; `text` says it in words. */
export interface Decision {
  at: string;
  decision: string;
  text: string;
  /** The sinks that it was handed to, of those decisions that hand it on. */
  sinks?: string[];
}

export interface AlertSummary {
  number: number;
  id: string;
  rule: string;
  severity: Severity;
  kind: Kind;
  title: string;
  about: string | null;
  key: Named;
  first_time: string;
  last_time: string;
  decided_time: string;
  /** When it came, by the wall clock. */
  time: string;
  suppressed: number;
  events: number;
  status: Status;
  status_by: string | null;
  decisions: Decision[];
}

export interface AlertPage {
  alerts: AlertSummary[];
  next: number | null;
  searched_to: string | null;
}

export interface CountBucket extends Record<Severity, number> {
  time: string;
}

export interface Counts {
  since: string;
  until: string;
  step_seconds: number;
  buckets: CountBucket[];
}

/** An alert as sinks get it. */
export interface Alert {
  id: string;
  rule: string;
  fingerprint: string;
  severity: Severity;
  title: string;
  kind: Kind;
  about?: string | null;
  tags?: string[];
  runbook?: string | null;
  key: Named;
  first_time: string;
  last_time: string;
  decided_time: string;
  suppressed: number;
  fields: Named;
  events: { [variable: string]: Json };
  tables?: { [name: string]: Json };
}

export interface Captured {
  variable: string;
  stream: string | null;
  time: string;
  record: Json;
}

/** A part of a pattern: what it captures, or that something does not come. */
export interface Step {
  text: string;
  variables: string[];
  absent: boolean;
}

/** What has come of sending an alert, or what it was put to, to a sink. */
export interface Delivery {
  notification: string;
  sink: string;
  at: string;
  outcome: "accepted" | "failed" | "given_up" | "forwarded";
  error?: string;
  to?: string | null;
}

export interface AlertDetail {
  summary: AlertSummary;
  alert: Alert;
  captured: Captured[];
  steps: Step[] | null;
  within_seconds: number | null;
  rule_is_current: boolean;
  deliveries: Delivery[];
}

export interface Rule {
  name: string;
  about: string | null;
  severity: Severity;
  mode: Mode;
  mode_of_text: Mode;
  /** Who has put it into another mode than its text says. */
  mode_wanted: { mode: Mode; by: string; comment: string; since: string } | null;
  tags: string[];
  runbook: string | null;
  file: string;
  line: number;
  fingerprint: string;
  key: string[];
  streams: string[];
  sinks: string[];
  counters: {
    events: number;
    alerts: number;
    held_back: number;
    limits: number;
    forgotten: number;
    faults: number;
  };
  last_alert: string | null;
}

/** A piece of a rule's text; places count bytes of UTF-8. */
export interface Token {
  start: number;
  end: number;
  kind: string;
}

export interface Graph {
  nodes: { label: string; accepting: boolean }[];
  edges: { from: number; to: number; label: string; dashed: boolean }[];
  within_seconds: number | null;
  left_out: number;
}

export interface RuleDetail extends Rule {
  text: string;
  tokens: Token[];
  /** Markdown. */
  words: string;
  cost: string;
  graph: Graph | null;
}

export interface NearMiss {
  key: Named;
  since: string;
  ended: string;
  captured: number;
  waited_for: string[];
}

export interface Runs {
  time: string;
  keys: number;
  partial_matches: number;
  nodes: number[];
  keys_not_read: number;
  near_misses: NearMiss[];
}

export interface Diagnostic {
  severity: "error" | "warning";
  code: string;
  message: string;
  /** What is wrong with this place. */
  label: string;
  help: string[];
  /** Another file of the rules, if it is not in the text. */
  file: string | null;
  line: number;
  column: number;
  end_line: number;
  end_column: number;
  start: number;
  end: number;
}

export interface Validation {
  valid: boolean;
  diagnostics: Diagnostic[];
  tokens: Token[];
  rules: string[];
}

export interface Stream {
  name: string;
  /** The rule whose alerts it carries, if it does. */
  alerts_of: string | null;
  fields: { name: string; type: string; optional: boolean }[];
  sources: string[];
}

export interface Wait {
  event: string;
  kind: "event" | "next_event" | "absence";
  until: string | null;
  missing: number;
}

export interface PartialMatch {
  rule: string;
  fingerprint: string;
  key: Named;
  step: { number: number; of: number; element: string; taken: number };
  reported: boolean;
  since: string;
  until: string | null;
  then: "dropped" | "time_out" | "match" | "goes_on";
  waits_for: Wait[];
  captured: { name: string; time: string; stream?: string; record?: Json }[];
  events: number;
  of_key: number;
}

export interface State {
  event_time: string | null;
  rules: { rule: string; fingerprint: string; old?: boolean; keys: number; partial_matches: number }[];
  partial_matches: PartialMatch[];
  total: number;
  keys_not_read?: number;
}

export interface PlayEvent {
  stream: string;
  record: Json;
  /** When it comes: its time, if the records of the stream hold none. */
  time?: string;
}

export interface Play {
  diagnostics: Diagnostic[];
  alerts: PlayAlert[];
  /** How many more alerts come than are answered. */
  alerts_left_out: number;
  partial_matches: PartialMatch[];
  rejected: OfEvent[];
  why_not: { rule: string; text: string; events: OfEvent[] }[];
  tokens: Token[];
  /** Whether it took too long, so that all this is not the whole. */
  gave_up: boolean;
}

export interface PlayAlert {
  alert: Alert;
  captured: Captured[];
  steps: Step[];
  within_seconds: number | null;
  /** Whether it comes only when time goes on and nothing else does. */
  if_nothing_comes: boolean;
}

/** Something about one of the events, which count from 0. */
export interface OfEvent {
  index: number;
  why: string;
}

export interface Matcher {
  severity?: string;
  rules?: string[];
  tags?: string[];
  kinds?: Kind[];
  fields?: { [name: string]: Json[] };
}

export interface Silence {
  id: string;
  match: Matcher;
  starts: string;
  ends: string;
  author: string;
  comment: string;
  created: string;
  ended_by?: string;
}

export interface NewSilence {
  match: Matcher;
  starts?: string;
  ends: string;
  author: string;
  comment: string;
}

export interface OutboxAlert {
  id: string;
  sink: string;
  rule: string;
  title: string;
  time: string;
  tries: number;
  again?: string;
  error?: string;
}

export interface Outbox {
  sinks: { sink: string; waiting: number; bytes: number; dead: number; disabled?: string }[];
  waiting: OutboxAlert[];
  dead: OutboxAlert[];
}

export interface Savepoint {
  name: string;
  bytes: number;
  time?: string;
  file?: string;
  error?: string;
}

export interface Quarantined {
  /** Its place in the file: no other has it. */
  place: number;
  time: string;
  source: string;
  stream: string;
  partition: number;
  offset: number;
  /** Its line or number in the partition, from 1 on. */
  number: number;
  reason: string;
  detail: string;
  /** The record, or its beginning. */
  record: string;
  /** Its length in bytes, if that is not all of it. */
  length: number | null;
}

export interface QuarantinePage {
  records: Quarantined[];
  next: number | null;
  /** The size of the file that keeps them. */
  bytes: number;
  /** None where nothing is kept. */
  max_bytes: number | null;
}

export interface Reloaded {
  added: string[];
  changed: string[];
  removed: string[];
  modes: string[];
}
