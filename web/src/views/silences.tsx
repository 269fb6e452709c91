// For a time, nobody is told of some alerts: which silences there are, making one, ending one.
import { useState } from "preact/hooks";
import { get, part, post } from "../api/client";
import type { Silence } from "../api/types";
import { plural } from "../lib/format";
import { NO_SILENCE, stateOf, type SilenceState } from "../lib/silence";
import { Act, attempt, Confirm } from "../parts/act";
import { now, Until, Wall } from "../parts/clock";
import { Card, Empty, Show, View } from "../parts/frame";
import { useResource } from "../parts/resource";
import { MatcherWords, SilenceDialog } from "../parts/silence-form";

const GROUPS: [SilenceState, string][] = [
  ["active", "In force"],
  ["coming", "To come"],
  ["over", "Over"],
];

export function SilencesView() {
  const [isNew, setNew] = useState(false);
  const [ending, setEnding] = useState<Silence | null>(null);
  const list = useResource((signal) => get<{ silences: Silence[] }>("silences", {}, signal), [], 10_000);
  const all = list.value?.silences ?? [];
  const active = all.filter((silence) => stateOf(silence, now.value) === "active").length;
  const end = (silence: Silence) => (by: string, comment: string) =>
    attempt("Ended.", () => post(`silences/${part(silence.id)}/end`, { by, comment })).then((isDone) => (isDone && list.reload(), isDone));
  return (
    <View
      title="Silences"
      lead={list.value === null ? undefined : `${plural(active, "silence")} in force`}
      actions={
        <Act role="operate" kind="primary" onClick={() => setNew(true)}>
          New silence
        </Act>
      }
    >
      <div class="stack">
        <Show of={list}>
          {() =>
            all.length === 0 ? (
              <Card>
                <Empty title="There are no silences">Make one when alerts are expected, such as during maintenance: they are kept, and nobody is told.</Empty>
              </Card>
            ) : (
              GROUPS.map(([state, name]) => (
                <Group key={state} name={name} state={state} silences={all.filter((silence) => stateOf(silence, now.value) === state)} onEnd={setEnding} />
              ))
            )
          }
        </Show>
      </div>
      {isNew && <SilenceDialog draft={NO_SILENCE} onDone={(made) => (setNew(false), made && list.reload())} />}
      {ending !== null && (
        <Confirm title="End this silence now?" verb="End it" comment onDone={() => setEnding(null)} act={end(ending)}>
          <p>
            <MatcherWords matcher={ending.match} />
          </p>
          <p>From now on people are told of such alerts again. Those that came before are not sent.</p>
        </Confirm>
      )}
    </View>
  );
}

function Group({ name, state, silences, onEnd }: { name: string; state: SilenceState; silences: Silence[]; onEnd: (silence: Silence) => void }) {
  if (silences.length === 0) return null;
  return (
    <Card title={name}>
      <table class="cards-on-phones silence-table">
        <thead>
          <tr>
            <th>Alerts</th>
            <th>Why</th>
            <th>By</th>
            <th>Begins</th>
            <th>Ends</th>
            <th>
              <span class="hidden-text">What can be done</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {silences.map((silence) => (
            <tr key={silence.id} class={state === "over" ? "past" : undefined}>
              <td>
                <MatcherWords matcher={silence.match} />
              </td>
              <td data-name="Why" class="wrap">
                {silence.comment || <span class="dim">nothing said</span>}
              </td>
              <td data-name="By">{silence.author}</td>
              <td data-name="Begins">{state === "coming" ? <Until time={silence.starts} /> : <Wall time={silence.starts} />}</td>
              <td data-name={state === "over" ? "Ended" : "Ends"}>
                {state === "over" ? <Wall time={silence.ends} /> : <Until time={silence.ends} />}
                {silence.ended_by !== undefined && <div class="small dim">by {silence.ended_by}</div>}
              </td>
              <td class="number">
                {state !== "over" && (
                  <Act role="operate" onClick={() => onEnd(silence)}>
                    End
                  </Act>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
