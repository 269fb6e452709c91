// Everything that is known of one key: which rules are in the middle of it, what was found, what is silenced.
import { useMemo, useState } from "preact/hooks";
import { get } from "../api/client";
import type { AlertPage, PartialMatch, Silence, State, Wait } from "../api/types";
import { plural } from "../lib/format";
import { href } from "../lib/route";
import { isAbout, NO_SILENCE, stateOf } from "../lib/silence";
import { roughly } from "../lib/time";
import { Act } from "../parts/act";
import { AlertRow } from "../parts/alert-row";
import { EventTime, now, Until } from "../parts/clock";
import { Card, Empty, Show, View } from "../parts/frame";
import { Icon } from "../parts/icons";
import { go } from "../parts/place";
import { RecordTable } from "../parts/record";
import { useResource } from "../parts/resource";
import { MatcherWords, SilenceDialog } from "../parts/silence-form";

export function KeyView({ keys }: { keys: string[] }) {
  return keys.length === 0 ? <FindKey /> : <OneKey keys={keys} />;
}

function FindKey() {
  const [text, setText] = useState("");
  const state = useResource((signal) => get<State>("state", { limit: 40 }, signal), [], 5_000);
  const find = (event: Event): void => {
    event.preventDefault();
    if (text.trim() !== "") go(["keys", ...text.split(",").map((one) => one.trim()).filter((one) => one !== "")]);
  };
  return (
    <View title="Keys" lead="All that is known of a card, a user, a sensor: what the rules of it are in the middle of, and what they found">
      <form class="find-key" onSubmit={find}>
        <label class="text-box large">
          <Icon name="search" size={16} />
          <input type="search" value={text} autoFocus placeholder="card=card-20011, or only the value" aria-label="Key" spellcheck={false} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <button type="submit" class="primary">
          Show
        </button>
      </form>
      <Card title="Decided soonest" aside="partial matches whose time is over next">
        <Show of={state} lines={5}>
          {({ partial_matches: matches, event_time }) =>
            matches.length === 0 ? (
              <Empty title="No partial matches are shown">Write a key above. Rules that are in the middle of a pattern stand here.</Empty>
            ) : (
              <ul class="matches">
                {matches.map((match, index) => (
                  <PartialMatchCard key={index} match={match} eventTime={event_time} withKey />
                ))}
              </ul>
            )
          }
        </Show>
      </Card>
    </View>
  );
}

function OneKey({ keys }: { keys: string[] }) {
  const [isSilencing, setSilencing] = useState(false);
  const state = useResource((signal) => get<State>("state", { key: keys, limit: 100 }, signal), [keys], 3_000);
  const alerts = useResource((signal) => get<AlertPage>("alerts", { key: keys, limit: 50 }, signal), [keys], 10_000);
  const silences = useResource((signal) => get<{ silences: Silence[] }>("silences", {}, signal), [], 15_000);
  const about = (silences.value?.silences ?? []).filter((silence) => stateOf(silence, now.value) !== "over" && isAbout(silence, keys));
  const fields = keys.filter((key) => key.includes("=")).join("\n");
  return (
    <View
      title={keys.join(", ")}
      name={`Key ${keys.join(", ")}`}
      lead="Everything known of this key"
      actions={
        <>
          <Act role="operate" disabled={fields === ""} onClick={() => setSilencing(true)}>
            Silence this key
          </Act>
          <a class="button" href={href(["alerts"], { key: keys })}>
            Its alerts as they come
          </a>
        </>
      }
    >
      <div class="columns wide-left">
        <Card title="In the middle of" aside={state.value !== null && <>{plural(state.value.total, "partial match", "partial matches")}</>}>
          <Show of={state} lines={5}>
            {({ partial_matches: matches, event_time }) =>
              matches.length === 0 ? (
                <Empty title="No rule is in the middle of a pattern for this key">
                  That is so before its first fitting event, after a match, and when the time of a pattern is over.
                </Empty>
              ) : (
                <ul class="matches">
                  {matches.map((match, index) => (
                    <PartialMatchCard key={`${match.rule}-${match.since}-${index}`} match={match} eventTime={event_time} />
                  ))}
                </ul>
              )
            }
          </Show>
        </Card>
        <div class="stack">
          <Card title="Silences" aside={<a href="#/silences">All silences</a>}>
            <Show of={silences} lines={1}>
              {() =>
                about.length === 0 ? (
                  <p class="card-body dim">No silence names this key.</p>
                ) : (
                  <ul class="silence-list">
                    {about.map((silence) => (
                      <li key={silence.id}>
                        <MatcherWords matcher={silence.match} />
                        <p class="small">
                          {stateOf(silence, now.value) === "active" ? "ends" : "begins"} <Until time={stateOf(silence, now.value) === "active" ? silence.ends : silence.starts} />, by {silence.author}
                          {silence.comment !== "" && `: ${silence.comment}`}
                        </p>
                      </li>
                    ))}
                  </ul>
                )
              }
            </Show>
          </Card>
          <Card title="Alerts" aside={alerts.value !== null && plural(alerts.value.alerts.length, "alert")}>
            <Show of={alerts}>
              {({ alerts: all }) =>
                all.length === 0 ? (
                  <Empty title="No alerts of this key are kept" />
                ) : (
                  <ul class="alert-rows compact">
                    {all.map((alert) => (
                      <AlertRow key={alert.id} alert={alert} isCompact />
                    ))}
                  </ul>
                )
              }
            </Show>
          </Card>
        </div>
      </div>
      {isSilencing && <SilenceDialog draft={{ ...NO_SILENCE, fields }} onDone={(made) => (setSilencing(false), made && silences.reload())} />}
    </View>
  );
}

const ENDS: Record<PartialMatch["then"], string> = {
  dropped: "is dropped",
  time_out: "is reported as timed out",
  match: "is a match",
  goes_on: "goes on",
};

/** Where a partial match stands and what it waits for. */
export function PartialMatchCard({ match, eventTime, withKey = false }: { match: PartialMatch; eventTime: string | null; withKey?: boolean }) {
  const { step, captured, waits_for: waits } = match;
  const keyParts = useMemo(() => Object.entries(match.key).map(([name, value]) => `${name}=${String(value)}`), [match]);
  return (
    <li class="match">
      <div class="match-head">
        <a href={href(["rules", match.rule])}>
          <b>{match.rule}</b>
        </a>
        {withKey && (
          <a class="wrap" href={href(["keys", ...keyParts])}>
            {keyParts.join(", ")}
          </a>
        )}
        {match.reported && <span class="tag">reported, goes on</span>}
        {match.of_key > 1 && <span class="dim small">one of {match.of_key} of this key</span>}
      </div>
      <Steps number={step.number} of={step.of} element={step.element} />
      <p class="match-wait">
        {waits.length === 0 ? "Waits for nothing more." : <>Waits for {waits.map((wait, index) => <WaitWords key={index} wait={wait} isFirst={index === 0} />)}.</>}
        {match.until !== null && (
          <>
            {" "}
            Without that it {ENDS[match.then]} at <EventTime time={match.until} />
            {eventTime !== null && <Left until={match.until} eventTime={eventTime} />}.
          </>
        )}
      </p>
      <details>
        <summary>
          {plural(match.events, "event")} taken since <EventTime time={match.since} />
        </summary>
        <ol class="taken">
          {captured.map((event, index) => (
            <li key={index}>
              <p class="readout-head">
                <b>{event.name}</b>
                <span class="dim">{event.stream}</span>
                <EventTime time={event.time} />
              </p>
              <RecordTable record={event.record ?? null} />
            </li>
          ))}
          {match.events > captured.length && <li class="dim small">{plural(match.events - captured.length, "more event")} in the middle not shown</li>}
        </ol>
      </details>
    </li>
  );
}

function Steps({ number, of, element }: { number: number; of: number; element: string }) {
  return (
    <div class="steps" role="img" aria-label={`At part ${number} of ${of}: ${element}`}>
      {Array.from({ length: of }, (_, index) => (
        <span key={index} class={index + 1 < number ? "step done" : index + 1 === number ? "step here" : "step"} />
      ))}
      <span class="steps-words">
        at part {number} of {of}: <b>{element}</b>
      </span>
    </div>
  );
}

function WaitWords({ wait, isFirst }: { wait: Wait; isFirst: boolean }) {
  const what = { event: "", next_event: "as the very next event, ", absence: "no " }[wait.kind];
  const left = wait.missing === 0 ? ", which completes it" : `, then ${wait.missing} more`;
  return (
    <>
      {!isFirst && "; or for "}
      {what}
      <b>{wait.event}</b>
      {left}
    </>
  );
}

/** How much event time has to pass. */
function Left({ until, eventTime }: { until: string; eventTime: string }) {
  const left = Date.parse(until) - Date.parse(eventTime);
  return <span class="dim"> ({left > 0 ? `${roughly(left)} of event time left` : "due now"})</span>;
}

