// All rules: which are live, how much they find.
import { useState } from "preact/hooks";
import { get } from "../api/client";
import type { Mode, Rule } from "../api/types";
import { count, plural } from "../lib/format";
import { href } from "../lib/route";
import { Ago } from "../parts/clock";
import { TextBox } from "../parts/filter-bar";
import { Card, Empty, Show, View } from "../parts/frame";
import { place, replaceParams } from "../parts/place";
import { useResource } from "../parts/resource";
import { HEAVIEST_FIRST, ModeTag, SeverityTag } from "../parts/severity";

const ORDERS = {
  alerts: { name: "most alerts", less: (one: Rule, other: Rule) => other.counters.alerts - one.counters.alerts },
  last: { name: "last alert", less: (one: Rule, other: Rule) => (other.last_alert ?? "").localeCompare(one.last_alert ?? "") },
  severity: { name: "severity", less: (one: Rule, other: Rule) => HEAVIEST_FIRST.indexOf(one.severity) - HEAVIEST_FIRST.indexOf(other.severity) },
  name: { name: "name", less: (one: Rule, other: Rule) => one.name.localeCompare(other.name) },
} as const;
type Order = keyof typeof ORDERS;

export function RulesView() {
  const rules = useResource((signal) => get<{ rules: Rule[] }>("rules", {}, signal), [], 10_000);
  const text = place.value.params.get("text") ?? "";
  const [order, setOrder] = useState<Order>("alerts");
  const all = rules.value?.rules ?? [];
  const of = (mode: Mode): number => all.filter((rule) => rule.mode === mode).length;
  const lead = rules.value === null ? undefined : `${plural(all.length, "rule")}: ${of("live")} live, ${of("shadow")} in shadow, ${of("off")} off`;
  return (
    <View title="Rules" lead={lead} actions={<a class="button" href="#/playground">Write a rule</a>}>
      <div class="filter open">
        <TextBox label="Words in rules" placeholder="Name, tag, stream, key or file" value={text} onChange={(wanted) => replaceParams({ text: wanted })} icon="search" />
        <label class="inline">
          <span class="dim">by</span>
          <select value={order} aria-label="Order" onChange={(event) => setOrder(event.currentTarget.value as Order)}>
            {Object.entries(ORDERS).map(([key, { name }]) => (
              <option key={key} value={key}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Card>
        <Show of={rules} lines={8}>
          {() => <RuleTable rules={all.filter((rule) => isAbout(rule, text)).sort(ORDERS[order].less)} isAll={text === ""} />}
        </Show>
      </Card>
    </View>
  );
}

function isAbout(rule: Rule, text: string): boolean {
  const written = [rule.name, rule.about ?? "", rule.file, ...rule.tags, ...rule.streams, ...rule.key].join(" ").toLowerCase();
  return text.toLowerCase().split(/\s+/).every((word) => written.includes(word));
}

function RuleTable({ rules, isAll }: { rules: Rule[]; isAll: boolean }) {
  if (rules.length === 0) {
    return isAll ? (
      <Empty title="No rules">Put files that end in <code>.trip</code> into the folder that the configuration names, and reload.</Empty>
    ) : (
      <Empty title="No rule fits" />
    );
  }
  return (
    <table class="cards-on-phones">
      <thead>
        <tr>
          <th>Rule</th>
          <th>Mode</th>
          <th>Key</th>
          <th>Streams</th>
          <th class="number">Events</th>
          <th class="number">Alerts</th>
          <th class="number">Held back</th>
          <th>Last alert</th>
        </tr>
      </thead>
      <tbody>
        {rules.map((rule) => (
          <tr key={rule.name}>
            <td>
              <div class="rule-cell">
                <SeverityTag severity={rule.severity} quiet />
                <div>
                  <a href={href(["rules", rule.name])}>
                    <b>{rule.name}</b>
                  </a>
                  <div class="small dim">{rule.about}</div>
                </div>
              </div>
            </td>
            <td data-name="Mode">
              <ModeTag mode={rule.mode} />
            </td>
            <td data-name="Key">{rule.key.join(", ") || "all"}</td>
            <td data-name="Streams" class="small">
              {rule.streams.join(", ")}
            </td>
            <td class="number" data-name="Events">
              {count(rule.counters.events)}
            </td>
            <td class="number" data-name="Alerts">
              {count(rule.counters.alerts)}
            </td>
            <td class="number" data-name="Held back">
              {count(rule.counters.held_back)}
            </td>
            <td data-name="Last alert">{rule.last_alert === null ? <span class="dim">none</span> : <Ago time={rule.last_alert} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
