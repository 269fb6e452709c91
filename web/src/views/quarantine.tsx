// Records that were no events: what was wrong with them, and the records themselves.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api/client";
import { asProblem } from "../api/problem";
import type { Overview, Quarantined, QuarantinePage } from "../api/types";
import { bytes } from "../lib/format";
import { note } from "../parts/act";
import { Ago } from "../parts/clock";
import { Card, Empty, Show } from "../parts/frame";
import { overview } from "../parts/live";
import { place, replaceParams } from "../parts/place";
import { useResource } from "../parts/resource";

const PAGE = 50;

export function Quarantine() {
  const { params } = place.value;
  const filter = { source: params.get("source") ?? "", stream: params.get("stream") ?? "", reason: params.get("reason") ?? "" };
  const first = useResource((signal) => get<QuarantinePage>("quarantine", { ...filter, limit: PAGE }, signal), [filter]);
  const [more, setMore] = useState<QuarantinePage | null>(null);
  useEffect(() => setMore(null), [first.value]);
  const shown = more ?? first.value;
  const look = async (): Promise<void> => {
    if (shown?.next == null) return;
    try {
      const page = await get<QuarantinePage>("quarantine", { ...filter, limit: PAGE, cursor: shown.next });
      setMore({ ...page, records: [...shown.records, ...page.records] });
    } catch (error) {
      note(asProblem(error).message, true);
    }
  };
  return (
    <>
      <QuarantineFilter filter={filter} shown={shown?.records ?? []} known={overview.value} />
      <Card title="Set aside" aside={shown !== null && shown.max_bytes !== null && <>{bytes(shown.bytes)} of {bytes(shown.max_bytes)}</>}>
        <Show of={first}>
          {() =>
            shown === null || shown.records.length === 0 ? (
              <Empty title={shown?.max_bytes === null ? "Nothing is set aside" : "Nothing was set aside"}>
                {shown?.max_bytes === null ? "The configuration says that records which are no events are not kept." : "Records that cannot be read as events stand here with the reason."}
              </Empty>
            ) : (
              <table class="cards-on-phones">
                <thead>
                  <tr>
                    <th>What is wrong</th>
                    <th>Source</th>
                    <th>Stream</th>
                    <th>Reason</th>
                    <th>When</th>
                  </tr>
                </thead>
                <tbody>
                  {shown.records.map((record) => (
                    <Row key={record.place} record={record} />
                  ))}
                </tbody>
              </table>
            )
          }
        </Show>
        {shown?.next != null && (
          <div class="more">
            <button type="button" onClick={() => void look()}>
              Look further back
            </button>
          </div>
        )}
      </Card>
    </>
  );
}

type QuarantineChoice = Record<"source" | "stream" | "reason", string>;

function QuarantineFilter({ filter, shown, known }: { filter: QuarantineChoice; shown: Quarantined[]; known: Overview | null }) {
  const names = {
    source: known?.sources.map((source) => source.name) ?? [],
    stream: known?.sources.flatMap((source) => source.streams) ?? [],
    reason: [...new Set([...shown.map((record) => record.reason), ...(filter.reason === "" ? [] : [filter.reason])])],
  };
  return (
    <div class="filter open">
      {(["source", "stream", "reason"] as const).map((part) => (
        <select key={part} aria-label={part} value={filter[part]} onChange={(event) => replaceParams({ ...filter, [part]: event.currentTarget.value })}>
          <option value="">any {part}</option>
          {[...new Set(names[part])].map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      ))}
    </div>
  );
}

function Row({ record }: { record: Quarantined }) {
  return (
    <tr>
      <td>
        <span class="wrap">
          {record.detail}
          <details>
            <summary class="small dim">the record</summary>
            <pre class="raw">{record.record}</pre>
            {record.length !== null && <p class="small dim">the beginning of {bytes(record.length)}</p>}
          </details>
        </span>
      </td>
      <td data-name="Source">{record.source}</td>
      <td data-name="Stream">{record.stream}</td>
      <td data-name="Reason">{record.reason}</td>
      <td data-name="When">
        <Ago time={record.time} />
      </td>
    </tr>
  );
}
