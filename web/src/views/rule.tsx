// One rule: what it says, how it runs, what it found, what it nearly found.
import { useEffect, useReducer, useState } from "preact/hooks";
import { get, part, post } from "../api/client";
import { may, me } from "../api/session";
import type { AlertPage, Mode, NearMiss, Rule, RuleDetail, Runs } from "../api/types";
import { NO_ALERTS, reduce } from "../lib/alert-list";
import { count, exactCount, listed, plural } from "../lib/format";
import { href } from "../lib/route";
import { span } from "../lib/time";
import { attempt, Confirm, note } from "../parts/act";
import { AlertRow } from "../parts/alert-row";
import { Automaton } from "../parts/automaton";
import { Ago, EventTime } from "../parts/clock";
import { Code } from "../parts/code";
import { Card, Empty, Fact, Show, View } from "../parts/frame";
import { Icon } from "../parts/icons";
import { KeyLink } from "../parts/keys";
import { hear } from "../parts/live";
import { useResource, type Resource } from "../parts/resource";
import { SeverityTag } from "../parts/severity";
import { Words } from "../parts/words";

export function RuleView({ name }: { name: string }) {
  const detail = useResource((signal) => get<RuleDetail>(`rules/${part(name)}`, {}, signal), [name], 10_000);
  const runs = useResource((signal) => get<Runs>(`rules/${part(name)}/runs`, {}, signal), [name], 2_000);
  const known = detail.value;
  return (
    <View
      title={name}
      lead={known === null ? undefined : <Lead known={known} />}
      actions={known === null ? undefined : <Actions known={known} reload={detail.reload} />}
    >
      <Show of={detail} lines={8}>
        {(value) => (
          <div class="stack">
            <Counters rule={value} runs={runs.value} />
            <Alive known={value} runs={runs} />
            <div class="columns wide-left">
              <Card title="The rule" aside={<span>{`${value.file}, line ${value.line}`}</span>}>
                <Code text={value.text} tokens={value.tokens} line={value.line} />
              </Card>
              <div class="stack">
                <Card title="In words">
                  <Words text={value.words} />
                </Card>
                {runs.value !== null && <NearMisses misses={runs.value.near_misses} />}
                <LastAlerts name={name} />
                <Card title="What it costs">
                  <p class="words small">{value.cost}</p>
                </Card>
              </div>
            </div>
          </div>
        )}
      </Show>
    </View>
  );
}

function Lead({ known }: { known: RuleDetail }) {
  return (
    <>
      {known.about !== null && <p>{known.about}</p>}
      <div class="lead-line">
        <SeverityTag severity={known.severity} />
        <span>
          for each <b>{listed(known.key) || "nothing: all events together"}</b>
        </span>
        <span>reads {listed(known.streams)}</span>
        {known.sinks.length > 0 && <span>to {listed(known.sinks)}</span>}
        {known.tags.map((tag) => (
          <span class="tag" key={tag}>
            {tag}
          </span>
        ))}
      </div>
    </>
  );
}

function Actions({ known, reload }: { known: RuleDetail; reload: () => void }) {
  return (
    <>
      <ModeSwitch rule={known} reload={reload} />
      <a class="button" href={href(["playground"], { rule: known.name })}>
        <Icon name="playground" size={16} /> Open in playground
      </a>
      {known.runbook !== null && /^https?:\/\//.test(known.runbook) && (
        <a class="button" href={known.runbook} target="_blank" rel="noreferrer">
          <Icon name="book" size={16} /> Runbook
        </a>
      )}
    </>
  );
}

const MODES: Record<Mode, string> = {
  live: "It runs, and its alerts go to its sinks.",
  shadow: "It runs, and its alerts are shown here, but go to nobody.",
  off: "It does not run. What it has half found is dropped.",
};

function ModeSwitch({ rule, reload }: { rule: Rule; reload: () => void }) {
  const [wanted, setWanted] = useState<Mode | null>(null);
  const isAllowed = may("admin");
  const choose = (mode: Mode): void => {
    if (mode === rule.mode) return;
    if (isAllowed) setWanted(mode);
    else note(`This needs the role admin; you have ${me.value?.role ?? "none"}.`, true);
  };
  const set = (by: string, comment: string, force: boolean) =>
    attempt(`${rule.name} is ${wanted} now.`, () => post(`rules/${part(rule.name)}/mode`, { mode: wanted, by, comment, force })).then((isDone) => (isDone && reload(), isDone));
  return (
    <>
      <div class="segments modes" role="radiogroup" aria-label="Mode">
        {(Object.keys(MODES) as Mode[]).map((mode) => (
          <button type="button" key={mode} role="radio" class={mode} aria-checked={rule.mode === mode} aria-disabled={!isAllowed && rule.mode !== mode} title={isAllowed ? MODES[mode] : "This needs the role admin."} onClick={() => choose(mode)}>
            {!isAllowed && rule.mode !== mode && <Icon name="lock" size={12} />}
            {mode}
          </button>
        ))}
      </div>
      {rule.mode_wanted !== null && (
        <span class="small dim">
          by {rule.mode_wanted.by} <Ago time={rule.mode_wanted.since} />
          {rule.mode_wanted.comment !== "" && `: ${rule.mode_wanted.comment}`}; its text says {rule.mode_of_text}
        </span>
      )}
      {wanted !== null && (
        <Confirm title={`Put ${rule.name} ${wanted === "shadow" ? "in shadow" : wanted}?`} verb={wanted === "live" ? "Put live" : wanted === "off" ? "Switch off" : "Put in shadow"} danger={wanted === "off"} comment isRenewal onDone={() => setWanted(null)} act={set}>
          <p>{MODES[wanted]}</p>
          <p class="dim">The service begins anew with that, from its state. It stays so over restarts, until somebody changes it here.</p>
        </Confirm>
      )}
    </>
  );
}

function Counters({ rule, runs }: { rule: Rule; runs: Runs | null }) {
  const { counters } = rule;
  const rare: [string, number, string][] = [
    ["Limits reached", counters.limits, "A limit was reached and a partial match dropped: a match can have been missed"],
    ["Forgotten", counters.forgotten, "Partial matches that were given up to make room"],
    ["Faults", counters.faults, "Conditions that could not be computed"],
  ];
  return (
    <dl class="facts card counters">
      <Fact name="Partial matches">
        <span class="big">{runs === null ? "…" : exactCount(runs.partial_matches)}</span>
        {runs !== null && <span class="dim small"> of {plural(runs.keys, "key")}</span>}
      </Fact>
      <Fact name="Events that concerned it">
        <span class="big">{count(counters.events)}</span>
      </Fact>
      <Fact name="Alerts">
        <a class="big" href={href(["alerts"], { rule: rule.name })}>
          {count(counters.alerts)}
        </a>
        {rule.last_alert !== null && (
          <span class="dim small">
            {" "}
            last <Ago time={rule.last_alert} />
          </span>
        )}
      </Fact>
      <Fact name="Held back">
        <span class="big">{count(counters.held_back)}</span>
      </Fact>
      {rare
        .filter(([, number]) => number > 0)
        .map(([name, number, why]) => (
          <Fact key={name} name={name}>
            <span class="big bad" title={why}>
              {count(number)}
            </span>
          </Fact>
        ))}
    </dl>
  );
}

function Alive({ known, runs }: { known: RuleDetail; runs: Resource<Runs> }) {
  const { graph } = known;
  if (graph === null) return null;
  const within = graph.within_seconds === null ? "" : `All within ${span(graph.within_seconds)}. `;
  const isOff = known.mode === "off";
  const aside = isOff ? (
    "It is off: nothing runs."
  ) : runs.problem !== null ? (
    runs.problem.message
  ) : runs.value === null ? (
    "Counting…"
  ) : (
    <>
      as of <Ago time={runs.value.time} />
    </>
  );
  return (
    <Card title="Where its partial matches are" aside={aside}>
      <Automaton graph={graph} counts={runs.value?.nodes ?? null} />
      <p class="picture-note small dim">
        {within}A box is what was taken last, with how many partial matches are there now; a double frame is a match.
        {(runs.value?.keys_not_read ?? 0) > 0 && ` ${plural(runs.value!.keys_not_read, "key")} that are not in memory are not counted.`}
      </p>
    </Card>
  );
}

function NearMisses({ misses }: { misses: NearMiss[] }) {
  return (
    <Card title="Near misses" aside="ended without a match">
      {misses.length === 0 ? (
            <Empty title="None yet">Partial matches that nearly became a match stand here when they end.</Empty>
          ) : (
            <table>
              <thead>
                <tr>
                  <th>Key</th>
                  <th>Ended</th>
                  <th class="number">Events</th>
                  <th>Waited for</th>
                </tr>
              </thead>
              <tbody>
                {misses.map((miss, index) => (
                  <tr key={index}>
                    <td>
                      <KeyLink value={miss.key} />
                    </td>
                    <td>
                      <EventTime time={miss.ended} short />
                    </td>
                    <td class="number">{miss.captured}</td>
                    <td>
                      {listed(miss.waited_for, "or")}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
      )}
    </Card>
  );
}

const LAST = 6;

function LastAlerts({ name }: { name: string }) {
  const page = useResource((signal) => get<AlertPage>("alerts", { rule: name, limit: LAST }, signal), [name]);
  const [list, change] = useReducer(reduce, NO_ALERTS);
  useEffect(() => {
    if (page.value !== null) change({ type: "loaded", page: page.value });
  }, [page.value]);
  useEffect(() => hear({ alert: (alert) => alert.rule === name && change({ type: "arrived", alert }), changed: (changed) => change({ type: "changed", ...changed }) }), [name]);
  return (
    <Card title="Last alerts" aside={<a href={href(["alerts"], { rule: name })}>All of them</a>}>
      <Show of={page}>
        {() =>
          list.items.length === 0 ? (
            <Empty title="It has found nothing yet" />
          ) : (
            <ul class="alert-rows compact">
              {list.items.slice(0, LAST).map((alert) => (
                <AlertRow key={alert.id} alert={alert} isFresh={list.fresh.has(alert.id)} isCompact />
              ))}
            </ul>
          )
        }
      </Show>
    </Card>
  );
}
