// A silence as somebody writes it, and as the API wants it.
import type { Json, Matcher, Named, NewSilence, Silence } from "../api/types";
import { plain } from "./format";
import { parseSpan } from "./time";

export interface SilenceDraft {
  rules: string;
  /** `name=value` in each line; several lines of one name mean any of them. */
  fields: string;
  severity: string;
  tags: string;
  span: string;
  comment: string;
}

export const NO_SILENCE: SilenceDraft = { rules: "", fields: "", severity: "", tags: "", span: "2h", comment: "" };

/** One for the alerts of a rule and key. */
export function draftFor(rule: string, key: Named): SilenceDraft {
  const fields = Object.entries(key).map(([name, value]) => `${name}=${plain(value)}`);
  return { ...NO_SILENCE, rules: rule, fields: fields.join("\n") };
}

const words = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== "");

/** What the API wants, or what is wrong. */
export function silenceOf(draft: SilenceDraft, author: string, now: number): NewSilence | string {
  const match: Matcher = {};
  if (words(draft.rules).length > 0) match.rules = words(draft.rules);
  if (words(draft.tags).length > 0) match.tags = words(draft.tags);
  if (draft.severity !== "") match.severity = draft.severity;
  const fields = fieldsOf(draft.fields);
  if (typeof fields === "string") return fields;
  if (Object.keys(fields).length > 0) match.fields = fields;
  if (Object.keys(match).length === 0) return "Say which alerts: a rule, a key or field, a severity or a tag.";
  const seconds = parseSpan(draft.span);
  if (seconds === null) return "Say for how long, such as 2h.";
  if (author === "") return "Say who you are.";
  return { match, ends: new Date(now + seconds * 1000).toISOString(), author, comment: draft.comment.trim() };
}

function fieldsOf(text: string): { [name: string]: Json[] } | string {
  const fields: { [name: string]: Json[] } = {};
  for (const line of text.split("\n").map((line) => line.trim()).filter((line) => line !== "")) {
    const equals = line.indexOf("=");
    if (equals < 1) return `\`${line}\` is no field: write it as name=value.`;
    const [name, value] = [line.slice(0, equals).trim(), line.slice(equals + 1).trim()];
    (fields[name] ??= []).push(value);
  }
  return fields;
}

export type SilenceState = "active" | "coming" | "over";

export function stateOf(silence: Silence, now: number): SilenceState {
  if (Date.parse(silence.ends) <= now) return "over";
  return Date.parse(silence.starts) > now ? "coming" : "active";
}

/** Whether a silence names something of a key; one that names no field may be about it, too, but says nothing of it. */
export function isAbout(silence: Silence, parts: readonly string[]): boolean {
  return Object.entries(silence.match.fields ?? {}).some(([name, values]) =>
    values.some((value) => parts.some((part) => part === plain(value) || part === `${name}=${plain(value)}`)),
  );
}
