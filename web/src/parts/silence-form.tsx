// Making a silence: which alerts, how long, why.
import { useState } from "preact/hooks";
import { post } from "../api/client";
import { SEVERITIES, type Matcher, type Silence } from "../api/types";
import { silenceOf, type SilenceDraft } from "../lib/silence";
import { attempt, Dialog, hasName, keepName, myName, NameField } from "./act";
import { nowMs } from "./clock";

const SPANS = ["30m", "2h", "8h", "24h", "7d"] as const;

export function SilenceDialog({ draft, onDone }: { draft: SilenceDraft; onDone: (made: boolean) => void }) {
  const [wanted, setWanted] = useState(draft);
  const [by, setBy] = useState(myName());
  const [why, setWhy] = useState("");
  const set = (part: Partial<SilenceDraft>): void => setWanted({ ...wanted, ...part });
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const made = silenceOf(wanted, by.trim(), nowMs());
    if (typeof made === "string") return setWhy(made);
    keepName(by);
    if (await attempt("Silenced.", () => post<Silence>("silences", made))) onDone(true);
  };
  return (
    <Dialog title="New silence" onClose={() => onDone(false)}>
      <form onSubmit={(event) => void submit(event)}>
        <p class="dim">Nobody is told of the alerts to which all of this applies. They are kept and shown as held back.</p>
        <label class="field">
          <span>Rules</span>
          <input value={wanted.rules} placeholder="card_testing, order_*" spellcheck={false} onInput={(event) => set({ rules: event.currentTarget.value })} />
        </label>
        <label class="field">
          <span>Key and fields, one in each line</span>
          <textarea class="code" rows={3} value={wanted.fields} placeholder="card=card-20011" spellcheck={false} onInput={(event) => set({ fields: event.currentTarget.value })} />
        </label>
        <div class="field-row">
          <label class="field">
            <span>Severity</span>
            <select value={wanted.severity} onChange={(event) => set({ severity: event.currentTarget.value })}>
              <option value="">any</option>
              {[...SEVERITIES].reverse().flatMap((severity) => [
                <option key={severity} value={severity}>{severity}</option>,
                ...(severity === "critical" || severity === "info" ? [] : [<option key={`<=${severity}`} value={`<= ${severity}`}>{severity} and below</option>]),
              ])}
            </select>
          </label>
          <label class="field">
            <span>Tags, of which it has each</span>
            <input value={wanted.tags} spellcheck={false} onInput={(event) => set({ tags: event.currentTarget.value })} />
          </label>
        </div>
        <div class="field">
          <span>For</span>
          <div class="segments" role="radiogroup" aria-label="For how long">
            {SPANS.map((span) => (
              <button type="button" key={span} role="radio" aria-checked={wanted.span === span} onClick={() => set({ span })}>
                {span}
              </button>
            ))}
          </div>
        </div>
        {!hasName() && <NameField value={by} onInput={setBy} />}
        <label class="field">
          <span>Why</span>
          <input value={wanted.comment} maxLength={900} placeholder="What others should know" onInput={(event) => set({ comment: event.currentTarget.value })} />
        </label>
        {why !== "" && <p class="bad" role="alert">{why}</p>}
        <div class="dialog-actions">
          <button type="button" onClick={() => onDone(false)}>Cancel</button>
          <button type="submit" class="primary">Silence</button>
        </div>
      </form>
    </Dialog>
  );
}

/** In words, which alerts a silence is about. */
export function MatcherWords({ matcher }: { matcher: Matcher }) {
  const { severity, rules = [], tags = [], kinds = [], fields = {} } = matcher;
  const parts: [string, string][] = [
    ...(rules.length > 0 ? [["rule", rules.join(" or ")] as [string, string]] : []),
    ...(severity === undefined ? [] : [["severity", severity] as [string, string]]),
    ...(tags.length > 0 ? [["tags", tags.join(" and ")] as [string, string]] : []),
    ...(kinds.length > 0 ? [["kind", kinds.join(" or ")] as [string, string]] : []),
    ...Object.entries(fields).map(([name, values]): [string, string] => [name, values.map((value) => (typeof value === "string" ? value : JSON.stringify(value))).join(" or ")]),
  ];
  return (
    <span class="matcher">
      {parts.map(([name, value]) => (
        <span key={name} class="key-chip">
          <span class="dim">{name}</span> {value}
        </span>
      ))}
    </span>
  );
}
