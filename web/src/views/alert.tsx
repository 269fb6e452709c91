// One alert: what happened, as a picture and as tables, what was decided of it, where it went.
import { useEffect, useMemo, useState } from "preact/hooks";
import { get, part, post } from "../api/client";
import type { Alert, AlertDetail, Captured } from "../api/types";
import { sendingsOf, type Sending } from "../lib/delivery";
import { flat, listed, plain } from "../lib/format";
import { writeEvents } from "../lib/play";
import { href } from "../lib/route";
import { draftFor } from "../lib/silence";
import type { TimelineInput } from "../lib/timeline";
import { span } from "../lib/time";
import { Act, attempt, Confirm } from "../parts/act";
import { Ago, EventTime, Wall } from "../parts/clock";
import { Copy, copy } from "../parts/copy";
import { Card, Empty, Fact, Show, View } from "../parts/frame";
import { Icon } from "../parts/icons";
import { KeyChips } from "../parts/keys";
import { hear } from "../parts/live";
import { Value } from "../parts/record";
import { useResource } from "../parts/resource";
import { KIND_WORDS, SeverityTag, StatusTag } from "../parts/severity";
import { SilenceDialog } from "../parts/silence-form";
import { TimelinePicture } from "../parts/timeline";

export function AlertView({ id }: { id: string }) {
  const detail = useResource((signal) => get<AlertDetail>(`alerts/${part(id)}`, {}, signal), [id], 15_000);
  const known = detail.value;
  useEffect(() => hear({ changed: (changed) => changed.id === known?.alert.id && detail.reload() }), [known?.alert.id]);
  return (
    <View
      title={known?.alert.title ?? "Alert"}
      lead={known === null ? undefined : <Lead known={known} />}
      actions={known === null ? undefined : <Actions known={known} reload={detail.reload} />}
    >
      <Show of={detail} lines={8}>
        {(value) => <Contents known={value} />}
      </Show>
    </View>
  );
}

function Lead({ known: { alert, summary } }: { known: AlertDetail }) {
  const { status, status_by, time } = summary;
  return (
    <div class="lead-line">
      <SeverityTag severity={alert.severity} />
      <StatusTag status={status} by={status_by} />
      <a href={href(["rules", alert.rule])}>{alert.rule}</a>
      <KeyChips value={alert.key} />
      <span>
        came <Ago time={time} />
      </span>
    </div>
  );
}

function Actions({ known, reload }: { known: AlertDetail; reload: () => void }) {
  const [open, setOpen] = useState<"ack" | "resolve" | "silence" | null>(null);
  const { alert } = known;
  const { status } = known.summary;
  const say = (what: "ack" | "resolve", done: string) => (by: string, comment: string) =>
    attempt(done, () => post(`alerts/${part(alert.id)}/${what}`, { by, comment })).then((isDone) => (isDone && reload(), isDone));
  return (
    <>
      <Act role="operate" kind="primary" disabled={status === "acknowledged" || status === "resolved"} onClick={() => setOpen("ack")}>
        Acknowledge
      </Act>
      <Act role="operate" disabled={status === "resolved"} onClick={() => setOpen("resolve")}>
        Resolve
      </Act>
      <Act role="operate" onClick={() => setOpen("silence")}>
        Silence
      </Act>
      <a class="button" href={href(["playground"], { alert: alert.id })}>
        <Icon name="playground" size={16} /> Open in playground
      </a>
      {isWeb(alert.runbook) && (
        <a class="button" href={alert.runbook} target="_blank" rel="noreferrer">
          <Icon name="book" size={16} /> Runbook
        </a>
      )}
      {open === "ack" && (
        <Confirm title="Acknowledge" verb="Acknowledge" comment onDone={() => setOpen(null)} act={say("ack", "Acknowledged.")}>
          <p>Others see that you are looking into it, and it is not escalated.</p>
        </Confirm>
      )}
      {open === "resolve" && (
        <Confirm title="Resolve" verb="Resolve" comment onDone={() => setOpen(null)} act={say("resolve", "Resolved.")}>
          <p>What this alert tells of is over. Receivers that want to hear so are told.</p>
        </Confirm>
      )}
      {open === "silence" && <SilenceDialog draft={draftFor(alert.rule, alert.key)} onDone={() => setOpen(null)} />}
    </>
  );
}

/** Only addresses of the web become links. */
function isWeb(text: string | null | undefined): text is string {
  return typeof text === "string" && /^https?:\/\//.test(text);
}

function Contents({ known }: { known: AlertDetail }) {
  const { alert, captured, steps, within_seconds } = known;
  // Asked again, the same alert is the same picture.
  const input = useMemo(() => timelineOf(alert, captured, steps, within_seconds), [alert.id, captured.length, steps === null]);
  return (
    <div class="stack">
      <Card
        title="What happened"
        aside={!known.rule_is_current && <span>The rule has changed since: its steps are not known.</span>}
      >
        {alert.about != null && <p class="about">{alert.about}</p>}
        {captured.length === 0 ? <Empty title="No events are kept with this alert." /> : <TimelinePicture input={input} />}
      </Card>
      <div class="columns wide-left">
        <div class="stack">
          <Evidence captured={captured} />
        </div>
        <div class="stack">
          <Fields known={known} />
          <History known={known} />
        </div>
      </div>
    </div>
  );
}

function timelineOf(alert: Alert, captured: Captured[], steps: AlertDetail["steps"], within: number | null): TimelineInput {
  return {
    captured, steps, withinSeconds: within, firstTime: alert.first_time, lastTime: alert.last_time, decidedTime: alert.decided_time, kind: alert.kind,
  };
}

function Fields({ known: { alert, summary } }: { known: AlertDetail }) {
  const { number, time } = summary;
  return (
    <Card title="Fields">
      <dl class="facts">
        {Object.entries(alert.fields).map(([name, value]) => (
          <Fact key={name} name={name}>
            <Value value={value} />
          </Fact>
        ))}
      </dl>
      <dl class="facts ruled">
        <Fact name="First event">
          <EventTime time={alert.first_time} />
        </Fact>
        <Fact name="Last event">
          <EventTime time={alert.last_time} />
        </Fact>
        <Fact name="Decided">
          <EventTime time={alert.decided_time} /> <span class="dim">{span((Date.parse(alert.decided_time) - Date.parse(alert.first_time)) / 1000)} later</span>
        </Fact>
        <Fact name="Came, by the wall clock">
          <Wall time={time} />
        </Fact>
        <Fact name="Why">{KIND_WORDS[alert.kind]}</Fact>
        {alert.suppressed > 0 && <Fact name="Stands for">{alert.suppressed} held back before it</Fact>}
        {(alert.tags ?? []).length > 0 && (
          <Fact name="Tags">
            {alert.tags!.map((tag) => (
              <span class="tag" key={tag}>
                {tag}
              </span>
            ))}
          </Fact>
        )}
        <Fact name={`Id, number ${number}`}>
          <Copy text={alert.id} />
        </Fact>
      </dl>
    </Card>
  );
}

/** The most columns of a table of records. */
const MOST_COLUMNS = 7;

function Evidence({ captured }: { captured: Captured[] }) {
  const streams = [...new Set(captured.map((event) => event.stream))];
  return (
    <Card
      title="Evidence"
      aside={
        <button type="button" class="small" onClick={() => void copy(writeEvents(captured))}>
          Copy as JSON lines
        </button>
      }
    >
      {streams.map((stream) => (
        <EvidenceTable key={stream} stream={stream} captured={captured.filter((event) => event.stream === stream)} isOnly={streams.length === 1} />
      ))}
    </Card>
  );
}

function EvidenceTable({ stream, captured, isOnly }: { stream: string | null; captured: Captured[]; isOnly: boolean }) {
  const rows = captured.map((event) => ({ event, fields: new Map(flat(event.record)) }));
  const names = [...new Set(rows.flatMap(({ fields }) => [...fields.keys()]))];
  // What is the same in all rows says little; what differs comes first.
  const differs = (name: string): boolean => new Set(rows.map(({ fields }) => plain(fields.get(name)))).size > 1;
  const same = rows.length > 1 ? names.filter((name) => !differs(name)) : [];
  const shown = names.filter((name) => !same.includes(name)).slice(0, MOST_COLUMNS);
  const left = names.filter((name) => !same.includes(name) && !shown.includes(name));
  return (
    <div class="evidence">
      {!isOnly && <h3 class="evidence-stream">{stream ?? "a stream that is gone"}</h3>}
      <div class="scroll" tabIndex={0} role="region" aria-label={`Events of ${stream}`}>
        <table>
          <thead>
            <tr>
              <th>Step</th>
              <th>Event time</th>
              {shown.map((name) => (
                <th key={name}>{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ event, fields }, index) => (
              <tr key={index}>
                <td>{event.variable}</td>
                <td>
                  <EventTime time={event.time} short />
                </td>
                {shown.map((name) => (
                  <td key={name} class={typeof fields.get(name) === "number" ? "value-cell" : undefined}>
                    {fields.has(name) ? <Value value={fields.get(name)} /> : <span class="dim">–</span>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {(same.length > 0 || left.length > 0) && (
        <p class="evidence-same small dim">
          {same.length > 0 && (
            <>
              The same in all:{" "}
              {same.map((name, index) => (
                <span key={name}>
                  {index > 0 && ", "}
                  {name} <span class="value">{plain(rows[0]?.fields.get(name)) || "none"}</span>
                </span>
              ))}
              .
            </>
          )}
          {left.length > 0 && <> Not shown: {listed(left)}.</>}
        </p>
      )}
    </div>
  );
}

const OUTCOMES: Record<Sending["outcome"], string> = {
  waiting: "waits",
  accepted: "accepted",
  failed: "failed, is tried again",
  given_up: "given up",
  forwarded: "given to another sink",
};

function History({ known: { summary, deliveries } }: { known: AlertDetail }) {
  const { decisions } = summary;
  const sendings = sendingsOf(decisions, deliveries);
  return (
    <Card title="What became of it">
      {decisions.length + sendings.length === 0 && <Empty title="Nothing was decided yet" />}
      <ol class="history">
        {decisions.map((decision, index) => (
          <li key={index} class={`history-item ${decision.decision}`}>
            <span class="history-time">
              <Wall time={decision.at} />
            </span>
            <span class="wrap">{decision.text}</span>
          </li>
        ))}
      </ol>
      {sendings.length > 0 && (
        <table class="deliveries">
          <thead>
            <tr>
              <th>Sink</th>
              <th>Delivery</th>
              <th class="number">Failed tries</th>
              <th>When</th>
            </tr>
          </thead>
          <tbody>
            {sendings.map((sending) => (
              <tr key={`${sending.sink}-${sending.notification}`}>
                <td>
                  <a href={href(["delivery"], { sink: sending.sink })}>{sending.sink}</a>
                </td>
                <td>
                  <span class={`outcome ${sending.outcome}`}>{OUTCOMES[sending.outcome]}</span>
                  {sending.to !== null && <> to {sending.to}</>}
                  {sending.error !== "" && <div class="small bad wrap">{sending.error}</div>}
                </td>
                <td class="number">{sending.failed}</td>
                <td>
                  <Ago time={sending.at} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}
