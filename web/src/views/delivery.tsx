// Where alerts go: each sink, what waits for it, what was given up.
import { useState } from "preact/hooks";
import { get, post } from "../api/client";
import type { Outbox, OutboxAlert, Sink } from "../api/types";
import { bytes, count } from "../lib/format";
import { href } from "../lib/route";
import { Act, attempt, Confirm } from "../parts/act";
import { Ago, Until } from "../parts/clock";
import { Card, Empty, Show, View } from "../parts/frame";
import { Icon } from "../parts/icons";
import { place, replaceParams } from "../parts/place";
import { useResource } from "../parts/resource";

interface Wanted {
  title: string;
  verb: string;
  text: string;
  danger: boolean;
  path: string;
  body: object;
  done: string;
}

export function DeliveryView() {
  const sink = place.value.params.get("sink") ?? "";
  const [wanted, setWanted] = useState<Wanted | null>(null);
  const sinks = useResource((signal) => get<{ sinks: Sink[] }>("sinks", {}, signal), [], 5_000);
  const outbox = useResource((signal) => get<Outbox>("outbox", { sink, limit: 200 }, signal), [sink], 5_000);
  const reload = (): void => (sinks.reload(), outbox.reload());
  const act = (order: Wanted) => () => attempt(order.done, () => post(order.path, order.body)).then((isDone) => (isDone && reload(), isDone));
  const of = sink === "" ? {} : { sink };
  const where = sink === "" ? "all sinks" : sink;
  return (
    <View title="Delivery" lead="Alerts leave once a receiver has accepted them; until then they are kept and tried again">
      <div class="stack">
        <SinkTable sinks={sinks.value?.sinks ?? null} outbox={outbox.value} chosen={sink} problem={<Show of={sinks}>{() => null}</Show>} onWant={setWanted} />
        <Card
          title={`Given up${sink === "" ? "" : ` for ${sink}`}`}
          aside={
            (outbox.value?.dead.length ?? 0) > 0 && (
              <span class="inline">
                <Act role="operate" onClick={() => setWanted({ title: "Send again?", verb: "Send again", text: `All alerts that were given up for ${where} are sent again.`, danger: false, path: "outbox/retry", body: of, done: "They are sent again." })}>
                  Send all again
                </Act>
                <Act role="admin" kind="danger" onClick={() => setWanted({ title: "Drop them for good?", verb: "Drop", text: `All alerts that were given up for ${where} are dropped. Their receivers will never get them.`, danger: true, path: "outbox/drop", body: of, done: "Dropped." })}>
                  Drop all
                </Act>
              </span>
            )
          }
        >
          <Show of={outbox}>
            {({ dead }) =>
              dead.length === 0 ? (
                <Empty title="Nothing was given up">An alert is given up when its receiver refuses it, or accepts nothing for long.</Empty>
              ) : (
                <OutboxTable alerts={dead} isDead onWant={setWanted} />
              )
            }
          </Show>
        </Card>
        <Card
          title={`Waiting${sink === "" ? "" : ` for ${sink}`}`}
          aside={
            (outbox.value?.waiting.length ?? 0) > 0 && (
              <span class="inline">
                <Act role="operate" onClick={() => setWanted({ title: "Try at once?", verb: "Try now", text: `What waits for ${where} is tried now instead of at its time.`, danger: false, path: "outbox/waiting/retry", body: of, done: "They are tried." })}>
                  Try now
                </Act>
              </span>
            )
          }
        >
          <Show of={outbox}>
            {({ waiting }) => (waiting.length === 0 ? <Empty title="Nothing waits" /> : <OutboxTable alerts={waiting} isDead={false} onWant={setWanted} />)}
          </Show>
        </Card>
      </div>
      {wanted !== null && (
        <Confirm title={wanted.title} verb={wanted.verb} danger={wanted.danger} onDone={() => setWanted(null)} act={act(wanted)}>
          <p>{wanted.text}</p>
        </Confirm>
      )}
    </View>
  );
}

interface SinkProps {
  sinks: Sink[] | null;
  outbox: Outbox | null;
  chosen: string;
  problem: preact.ComponentChildren;
  onWant: (wanted: Wanted) => void;
}

function SinkTable({ sinks, outbox, chosen, problem, onWant }: SinkProps) {
  if (sinks === null) return <Card title="Sinks">{problem}</Card>;
  if (sinks.length === 0) {
    return (
      <Card title="Sinks">
        <Empty title="No sinks">Say in the configuration where alerts go.</Empty>
      </Card>
    );
  }
  return (
    <Card title="Sinks" aside={chosen !== "" && <button type="button" class="small" onClick={() => replaceParams({})}>Show all sinks</button>}>
      <table class="cards-on-phones">
        <thead>
          <tr>
            <th>Sink</th>
            <th>State</th>
            <th class="number">Sent</th>
            <th class="number">Given up so far</th>
            <th class="number">Waiting</th>
            <th class="number">Kept of these</th>
            <th>
              <span class="hidden-text">What can be done</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sinks.map((sink) => {
            const size = outbox?.sinks.find((one) => one.sink === sink.name)?.bytes ?? 0;
            return (
              <tr key={sink.name} class={sink.name === chosen ? "chosen-row" : undefined}>
                <td>
                  <span>
                    <a href={href(["delivery"], { sink: sink.name })}>
                      <b>{sink.name}</b>
                    </a>{" "}
                    <span class="dim">{sink.type}</span>
                  </span>
                </td>
                <td data-name="State">
                  <SinkState sink={sink} />
                </td>
                <td class="number" data-name="Sent">{count(sink.sent)}</td>
                <td class="number" data-name="Given up so far">{count(sink.failed)}</td>
                <td class={sink.waiting > 0 ? "number warn" : "number"} data-name="Waiting">
                  {count(sink.waiting)}
                  {size > 0 && <div class="small dim">{bytes(size)}</div>}
                </td>
                <td class={sink.dead > 0 ? "number bad" : "number"} data-name="Kept of these">{count(sink.dead)}</td>
                <td class="number">
                  {sink.disabled !== null && (
                    <Act role="operate" onClick={() => onWant({ title: `Use ${sink.name} again?`, verb: "Use again", text: `Its receiver has said that it wants nothing any more: ${sink.disabled}`, danger: false, path: "sinks/enable", body: { sink: sink.name }, done: `${sink.name} is used again.` })}>
                      Use again
                    </Act>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Card>
  );
}

function SinkState({ sink }: { sink: Sink }) {
  if (sink.disabled !== null) {
    return (
      <span class="bad">
        <Icon name="close" size={13} /> disabled
        <div class="small dim wrap">{sink.disabled}</div>
      </span>
    );
  }
  if (sink.waiting > 0) return <span class="warn">alerts wait</span>;
  return (
    <span class="dim">
      <Icon name="check" size={13} /> in order
    </span>
  );
}

function OutboxTable({ alerts, isDead, onWant }: { alerts: OutboxAlert[]; isDead: boolean; onWant: (wanted: Wanted) => void }) {
  return (
    <table class="cards-on-phones">
      <thead>
        <tr>
          <th>Alert</th>
          <th>Sink</th>
          <th>{isDead ? "Given up" : "Since"}</th>
          <th class="number">Tries</th>
          <th>{isDead ? "Why" : "What went wrong"}</th>
          <th>
              <span class="hidden-text">What can be done</span>
            </th>
        </tr>
      </thead>
      <tbody>
        {alerts.map((alert) => {
          const body = { sink: alert.sink, ids: [alert.id] };
          return (
            <tr key={`${alert.sink}-${alert.id}`}>
              <td>
                <span>
                  <a class="wrap" href={href(["alerts", alert.id])}>
                    {alert.title}
                  </a>
                  <div class="small dim">{alert.rule}</div>
                </span>
              </td>
              <td data-name="Sink">{alert.sink}</td>
              <td data-name={isDead ? "Given up" : "Since"}>
                <Ago time={alert.time} />
              </td>
              <td class="number" data-name="Tries">{alert.tries}</td>
              <td class="wrap small" data-name="Why">
                {alert.error || <span class="dim">nothing yet</span>}
                {alert.again !== undefined && (
                  <div class="dim">
                    again <Until time={alert.again} />
                  </div>
                )}
              </td>
              <td class="number nowrap">
                <Act role="operate" onClick={() => onWant({ title: isDead ? "Send again?" : "Try at once?", verb: isDead ? "Send again" : "Try now", text: alert.title, danger: false, path: isDead ? "outbox/retry" : "outbox/waiting/retry", body, done: isDead ? "It is sent again." : "It is tried." })}>
                  {isDead ? "Send again" : "Try now"}
                </Act>{" "}
                <Act role="admin" kind="danger" onClick={() => onWant({ title: "Drop it for good?", verb: "Drop", text: `${alert.title}: ${alert.sink} will never get it.`, danger: true, path: isDead ? "outbox/drop" : "outbox/waiting/drop", body, done: "Dropped." })}>
                  Drop
                </Act>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
