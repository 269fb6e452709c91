// Records and fields: names and values.
import type { Json } from "../api/types";
import { flat, plain } from "../lib/format";

export function RecordTable({ record }: { record: Json }) {
  if (record === null || record === undefined) return <p class="dim small">The record is too long to be shown, or is not kept.</p>;
  return (
    <dl class="record">
      {flat(record).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <Value value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function Value({ value }: { value: Json | undefined }) {
  if (value === null || value === undefined) return <span class="dim">none</span>;
  const kind = typeof value === "string" ? "text" : typeof value;
  return <span class={`value ${kind}`}>{plain(value)}</span>;
}
