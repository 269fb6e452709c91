// What leaves alerts out: words, severities, rules, keys, status, time. All of it stands in the address.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api/client";
import { STATUSES, type Rule, type Severity, type Status } from "../api/types";
import { isEmpty, NO_FILTER, type Filter } from "../lib/filter";
import { shortTime } from "../lib/time";
import { now, zone } from "./clock";
import { Icon } from "./icons";
import { useResource } from "./resource";
import { HEAVIEST_FIRST, SeverityShape } from "./severity";

const SPANS: [string, string][] = [
  ["", "any time"],
  ["15m", "last 15 min"],
  ["1h", "last hour"],
  ["6h", "last 6 hours"],
  ["24h", "last 24 hours"],
  ["7d", "last 7 days"],
];

interface BarProps {
  filter: Filter;
  onChange: (filter: Filter) => void;
}

export function FilterBar({ filter, onChange }: BarProps) {
  const rules = useResource((signal) => get<{ rules: Rule[] }>("rules", {}, signal), []);
  const set = (part: Partial<Filter>): void => onChange({ ...filter, ...part });
  const isRange = filter.since !== "" && !SPANS.some(([span]) => span === filter.since);
  const names = rules.value?.rules.map((rule) => rule.name).sort() ?? [];
  const [isOpen, setOpen] = useState(false);
  return (
    <div class={isOpen ? "filter open" : "filter"} role="search" aria-label="Filter of alerts">
      <TextBox label="Words in alerts" placeholder="Words in title, rule or key" value={filter.text} onChange={(text) => set({ text })} icon="search" />
      {/* On phones the rest is behind this. */}
      <button type="button" class="filter-toggle" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Icon name="filter" size={15} /> Filter
      </button>
      <div class="chips" role="group" aria-label="Severity">
        {HEAVIEST_FIRST.map((severity) => (
          <SeverityChip key={severity} severity={severity} filter={filter} set={set} />
        ))}
      </div>
      <select aria-label="Rule" value="" onChange={(event) => set({ rules: [...new Set([...filter.rules, event.currentTarget.value])] })}>
        <option value="">{filter.rules.length === 0 ? "any rule" : "and rule…"}</option>
        {names.filter((name) => !filter.rules.includes(name)).map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <select aria-label="Status" value={filter.status} onChange={(event) => set({ status: event.currentTarget.value as Status | "" })}>
        <option value="">any status</option>
        {STATUSES.map((status) => (
          <option key={status} value={status}>
            {status === "held" ? "held back" : status}
          </option>
        ))}
      </select>
      <select aria-label="Time" value={isRange ? "range" : filter.since} onChange={(event) => set({ since: event.currentTarget.value, until: "" })}>
        {isRange && <option value="range">a range</option>}
        {SPANS.map(([span, name]) => (
          <option key={span} value={span}>
            {name}
          </option>
        ))}
      </select>
      <Chosen filter={filter} set={set} isRange={isRange} />
      {!isEmpty(filter) && (
        <button type="button" class="bare" onClick={() => onChange(NO_FILTER)}>
          Clear
        </button>
      )}
    </div>
  );
}

type Set = (part: Partial<Filter>) => void;

function SeverityChip({ severity, filter, set }: { severity: Severity; filter: Filter; set: Set }) {
  const isOn = filter.severities.includes(severity);
  const severities = isOn ? filter.severities.filter((one) => one !== severity) : [...filter.severities, severity];
  return (
    <button type="button" class="chip" aria-pressed={isOn} onClick={() => set({ severities })}>
      <SeverityShape severity={severity} />
      {severity}
    </button>
  );
}

/** What was chosen that has no place of its own in the bar. */
function Chosen({ filter, set, isRange }: { filter: Filter; set: Set; isRange: boolean }) {
  const at = (text: string): string => shortTime(Date.parse(text), now.value, zone.value);
  return (
    <>
      {filter.rules.map((rule) => (
        <Removable key={rule} name="rule" value={rule} onRemove={() => set({ rules: filter.rules.filter((one) => one !== rule) })} />
      ))}
      {filter.keys.map((key) => (
        <Removable key={key} name="key" value={key} onRemove={() => set({ keys: filter.keys.filter((one) => one !== key) })} />
      ))}
      {isRange && (
        <Removable name="came" value={`${at(filter.since)} – ${filter.until === "" ? "now" : at(filter.until)}`} onRemove={() => set({ since: "", until: "" })} />
      )}
      <KeyBox onAdd={(key) => set({ keys: [...new Set([...filter.keys, key])] })} />
    </>
  );
}

function Removable({ name, value, onRemove }: { name: string; value: string; onRemove: () => void }) {
  return (
    <span class="removable">
      <span class="dim">{name}</span> {value}
      <button type="button" class="bare" aria-label={`Remove ${name} ${value}`} onClick={onRemove}>
        <Icon name="close" size={13} />
      </button>
    </span>
  );
}

function KeyBox({ onAdd }: { onAdd: (key: string) => void }) {
  const [text, setText] = useState("");
  const add = (event: Event): void => {
    event.preventDefault();
    if (text.trim() !== "") onAdd(text.trim());
    setText("");
  };
  return (
    <form class="key-box" onSubmit={add}>
      <input value={text} size={14} placeholder="key, card=c1" aria-label="Add a key" spellcheck={false} onInput={(event) => setText(event.currentTarget.value)} onBlur={add} />
    </form>
  );
}

interface TextProps {
  label: string;
  placeholder: string;
  value: string;
  onChange: (text: string) => void;
  icon?: "search" | "filter";
}

/** A box whose text is taken a moment after the last letter. */
export function TextBox({ label, placeholder, value, onChange, icon }: TextProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), 250);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="text-box">
      {icon !== undefined && <Icon name={icon} size={15} />}
      <input type="search" aria-label={label} placeholder={placeholder} value={text} spellcheck={false} onInput={(event) => setText(event.currentTarget.value)} />
    </label>
  );
}
