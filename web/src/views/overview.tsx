// How everything is: what flows, what was found, what is not in order.
import { useEffect, useReducer, useState } from "preact/hooks";
import { get } from "../api/client";
import type { AlertPage, Counts, Overview, Rule, Sink, Source } from "../api/types";
import { NO_ALERTS, reduce } from "../lib/alert-list";
import { count, exactCount, plural, rate } from "../lib/format";
import { href } from "../lib/route";
import { span } from "../lib/time";
import { AlertRow } from "../parts/alert-row";
import { SeverityBars } from "../parts/bars";
import { Ago, EventTime, now, nowMs } from "../parts/clock";
import { Card, Empty, Failure, Loading, Show, View } from "../parts/frame";
import { Icon } from "../parts/icons";
import { hear, overview, overviewProblem } from "../parts/live";
import { go } from "../parts/place";
import { useResource } from "../parts/resource";
import { ModeTag, SeverityTag } from "../parts/severity";
import { Figure } from "../parts/spark";

export function OverviewView() {
  const known = overview.value;
  const problem = overviewProblem.value;
  return (
    <View title="Overview" lead={known === null ? undefined : <Lead known={known} />}>
      {known === null ? (
        problem === null ? <Loading lines={6} /> : <Failure problem={problem} />
      ) : (
        <div class="stack">
          {problem !== null && <p class="stale" role="status">Not up to date: {problem.message}</p>}
          <Order known={known} />
          <Figures known={known} />
          <div class="columns wide-left">
            <OverTime />
            <Latest />
          </div>
          <div class="columns wide-left">
            <RulesByActivity />
            <div class="stack">
              <Sources sources={known.sources} />
              <Sinks sinks={known.sinks} />
            </div>
          </div>
        </div>
      )}
    </View>
  );
}

function Lead({ known }: { known: Overview }) {
  return (
    <>
      Running for {span(Math.max(0, Math.round((now.value - Date.parse(known.started)) / 60_000) * 60))}
      {known.event_time != null && (
        <>
          {" · "}event time <EventTime time={known.event_time} />
        </>
      )}
    </>
  );
}

/** What is not in order, or that all is. */
function Order({ known: { ready } }: { known: Overview }) {
  const [reasons, notes] = [ready.reasons ?? [], ready.notes ?? []];
  if (reasons.length + notes.length === 0) {
    return (
      <p class="in-order">
        <Icon name="check" size={16} /> Everything is in order.
      </p>
    );
  }
  return (
    <section class={`trouble ${ready.status}`} aria-label="What is not in order">
      {[...reasons.map((one) => ({ ...one, stops: true })), ...notes.map((one) => ({ ...one, stops: false }))].map(({ part, why, stops }) => (
        <p key={part + why}>
          <Icon name="warning" size={16} />
          <span>
            <b>{part}</b>: {why}
            {stops && <span class="dim"> No events are taken until this is mended.</span>}
          </span>
        </p>
      ))}
    </section>
  );
}

function Figures({ known }: { known: Overview }) {
  const { samples, totals } = known;
  const last = samples.at(-1);
  return (
    <div class="figures">
      <Figure name="Events" value={rate(last?.events_per_second ?? 0)} unit="/s" values={samples.map((one) => one.events_per_second)}>
        {exactCount(totals.events)} since the start
      </Figure>
      <Figure
        name="Lag"
        value={known.lag_seconds === null ? "–" : span(known.lag_seconds)}
        values={samples.map((one) => one.lag_seconds)}
        hint="How far event time is behind the wall clock, in seconds"
      >
        event time behind the wall clock
      </Figure>
      <Figure name="Partial matches" value={count(totals.partial_matches)} values={samples.map((one) => one.partial_matches)}>
        of {plural(totals.keys, "key")}
      </Figure>
      <Figure name="Alerts" value={count(totals.alerts)} values={samples.map((one) => one.alerts_per_second * 60)} hint="Alerts a minute">
        <a href="#/delivery">
          {count(totals.waiting_alerts)} waiting, {count(totals.dead_letters)} given up
        </a>
      </Figure>
    </div>
  );
}

const RANGES = [
  { name: "1 h", seconds: 3_600, step: 60 },
  { name: "6 h", seconds: 21_600, step: 300 },
  { name: "24 h", seconds: 86_400, step: 1_200 },
  { name: "7 d", seconds: 604_800, step: 7_200 },
] as const;

function OverTime() {
  const [range, setRange] = useState<(typeof RANGES)[number]>(RANGES[2]);
  const counts = useResource(
    (signal) => get<Counts>("alerts/counts", { since: new Date(nowMs() - range.seconds * 1000).toISOString(), step: range.step }, signal),
    [range.name],
    15_000,
  );
  const aside = (
    <div class="segments" role="radiogroup" aria-label="How far back">
      {RANGES.map((one) => (
        <button type="button" key={one.name} role="radio" aria-checked={one === range} onClick={() => setRange(one)}>
          {one.name}
        </button>
      ))}
    </div>
  );
  return (
    <Card title="Alerts by severity" aside={aside}>
      <Show of={counts} lines={4}>
        {(value) => (
          <SeverityBars
            counts={value}
            onPick={(bar) => go(["alerts"], { since: new Date(bar.from).toISOString(), until: new Date(bar.to).toISOString() })}
          />
        )}
      </Show>
    </Card>
  );
}

const LATEST = 6;

function Latest() {
  const [list, change] = useReducer(reduce, NO_ALERTS);
  const page = useResource((signal) => get<AlertPage>("alerts", { limit: LATEST }, signal), []);
  useEffect(() => {
    if (page.value !== null) change({ type: "loaded", page: page.value });
  }, [page.value]);
  useEffect(
    () =>
      hear({
        alert: (alert) => change({ type: "arrived", alert }),
        changed: (changed) => change({ type: "changed", ...changed }),
      }),
    [],
  );
  return (
    <Card title="Latest alerts" aside={<a href="#/alerts">All alerts</a>}>
      <Show of={page} lines={5}>
        {() =>
          list.items.length === 0 ? (
            <Empty title="No alerts yet">They stand here as soon as a rule matches.</Empty>
          ) : (
            <ul class="alert-rows compact">
              {list.items.slice(0, LATEST).map((alert) => (
                <AlertRow key={alert.id} alert={alert} isFresh={list.fresh.has(alert.id)} isCompact />
              ))}
            </ul>
          )
        }
      </Show>
    </Card>
  );
}

const MOST_RULES = 12;

function RulesByActivity() {
  const rules = useResource((signal) => get<{ rules: Rule[] }>("rules", {}, signal), [], 10_000);
  return (
    <Card title="Rules by activity" aside={<a href="#/rules">All rules</a>}>
      <Show of={rules}>
        {({ rules: all }) => {
          const ordered = [...all].sort((one, other) => other.counters.alerts - one.counters.alerts || other.counters.events - one.counters.events);
          const most = Math.max(1, ...all.map((rule) => rule.counters.alerts));
          if (all.length === 0) return <Empty title="No rules">Put rules into the folder that <code>rules</code> in the configuration names.</Empty>;
          return (
            <table class="rules-activity">
              <thead>
                <tr>
                  <th>Rule</th>
                  <th class="bar-column">Alerts</th>
                  <th class="number">Events</th>
                  <th class="wide-only">Last alert</th>
                </tr>
              </thead>
              <tbody>
                {ordered.slice(0, MOST_RULES).map((rule) => (
                  <tr key={rule.name}>
                    <td>
                      <div class="rule-cell">
                        <SeverityTag severity={rule.severity} quiet />
                        <a href={href(["rules", rule.name])}>{rule.name}</a>
                        {rule.mode !== "live" && <ModeTag mode={rule.mode} />}
                      </div>
                    </td>
                    <td class="bar-column">
                      <span class="bar-cell">
                        <svg class="bar-track" height="8" aria-hidden="true">
                          <rect class="bar-fill" width={`${(100 * rule.counters.alerts) / most}%`} height="8" rx="2" />
                        </svg>
                        <span class="number">{count(rule.counters.alerts)}</span>
                      </span>
                    </td>
                    <td class="number">{count(rule.counters.events)}</td>
                    <td class="wide-only">{rule.last_alert === null ? <span class="dim">none</span> : <Ago time={rule.last_alert} />}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          );
        }}
      </Show>
    </Card>
  );
}

function Sources({ sources }: { sources: Source[] }) {
  return (
    <Card title="Sources" aside={<a href="#/service/quarantine">Quarantine</a>}>
      {sources.length === 0 ? (
        <Empty title="No sources">Say in the configuration where events come from.</Empty>
      ) : (
        <table>
          <thead>
            <tr>
              <th>Source</th>
              <th class="number">Events</th>
              <th class="number">Rejected</th>
              <th class="number">Late</th>
            </tr>
          </thead>
          <tbody>
            {sources.map((source) => (
              <tr key={source.name}>
                <td>
                  {source.name} <span class="dim">{source.type}</span>
                  <div class="small dim">{source.streams.join(", ")}</div>
                </td>
                <td class="number">{count(source.events)}</td>
                <td class="number">{source.rejected === 0 ? "0" : <a href={href(["service", "quarantine"], { source: source.name })}>{count(source.rejected)}</a>}</td>
                <td class="number">{count(source.late)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}

function Sinks({ sinks }: { sinks: Sink[] }) {
  return (
    <Card title="Sinks" aside={<a href="#/delivery">Delivery</a>}>
      {sinks.length === 0 ? (
        <Empty title="No sinks">Say in the configuration where alerts go.</Empty>
      ) : (
        <table>
          <thead>
            <tr>
              <th>Sink</th>
              <th class="number">Sent</th>
              <th class="number">Waiting</th>
              <th class="number">Given up</th>
            </tr>
          </thead>
          <tbody>
            {sinks.map((sink) => (
              <tr key={sink.name}>
                <td>
                  {sink.name} <span class="dim">{sink.type}</span>
                  {sink.disabled !== null && <div class="small bad">disabled</div>}
                </td>
                <td class="number">{count(sink.sent)}</td>
                <td class={sink.waiting > 0 ? "number warn" : "number"}>{count(sink.waiting)}</td>
                <td class={sink.dead > 0 ? "number bad" : "number"}>{count(sink.dead)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}
