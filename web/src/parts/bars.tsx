// Alerts by severity over time, as stacked bars that can be read with the pointer and with the keyboard.
import { useState } from "preact/hooks";
import type { Counts } from "../api/types";
import { barsOf, topOf, totalsOf, type Bar } from "../lib/chart";
import { count, plural } from "../lib/format";
import { linear, timeTicks } from "../lib/scale";
import { clockTime, exactTime, shortTime } from "../lib/time";
import { now, zone } from "./clock";
import { HEAVIEST_FIRST, SeverityShape } from "./severity";
import { useWidth } from "./width";

const HEIGHT = 272;
const [LEFT, RIGHT, TOP, BOTTOM] = [34, 4, 8, 24];
const DAY_MS = 86_400_000;

export function SeverityBars({ counts, onPick }: { counts: Counts; onPick?: (bar: Bar) => void }) {
  const [frame, width] = useWidth(600);
  const [at, setAt] = useState<number | null>(null);
  const bars = barsOf(counts);
  const top = topOf(bars);
  const [from, to] = [bars[0]?.from ?? 0, bars.at(-1)?.to ?? 1];
  const x = linear([from, to], [LEFT, width - RIGHT]);
  const y = linear([0, top], [HEIGHT - BOTTOM, TOP]);
  const { times, stepMs } = timeTicks(from, to, Math.max(2, Math.floor(width / 80)), zone.value);
  const thick = Math.max(1, (width - LEFT - RIGHT) / Math.max(1, bars.length) - (bars.length > 150 ? 0.5 : 1.5));
  const totals = totalsOf(bars);
  const shown = at === null ? undefined : bars[at];
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt(Math.min(bars.length - 1, Math.max(0, (at ?? (step > 0 ? -1 : bars.length)) + step)));
    } else if (event.key === "Enter" && shown !== undefined) {
      onPick?.(shown);
    } else if (event.key === "Escape") {
      setAt(null);
    }
  };
  const pointed = (event: { offsetX: number }): number | null => {
    const index = Math.floor(((event.offsetX - LEFT) / (width - LEFT - RIGHT)) * bars.length);
    return index >= 0 && index < bars.length ? index : null;
  };
  const words = HEAVIEST_FIRST.map((severity) => `${totals[severity]} ${severity}`).join(", ");
  return (
    <figure class="bars" ref={frame}>
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        tabIndex={0}
        aria-label={`Alerts from ${exactTime(from, zone.value)} to ${exactTime(to, zone.value)}: ${words}. Arrow keys go from bar to bar.`}
        onKeyDown={move}
        onBlur={() => setAt(null)}
        onPointerMove={(event) => setAt(pointed(event))}
        onPointerLeave={() => setAt(null)}
        onClick={(event) => {
          const index = pointed(event);
          if (index !== null && bars[index]!.total > 0) onPick?.(bars[index]!);
        }}
      >
        {[0, top / 2, top].map((value) => (
          <g key={value}>
            <line class="grid" x1={LEFT} x2={width - RIGHT} y1={y(value)} y2={y(value)} />
            <text class="tick" x={LEFT - 6} y={y(value) + 4} text-anchor="end">
              {count(value)}
            </text>
          </g>
        ))}
        {times.map((time) => (
          <text class="tick" key={time} x={x(time)} y={HEIGHT - 6} text-anchor="middle">
            {stepMs >= DAY_MS ? shortTime(time, now.value, zone.value).slice(0, -9) : clockTime(time, zone.value).slice(0, 5)}
          </text>
        ))}
        {shown !== undefined && <rect class="pointed" x={x(shown.from)} width={x(shown.to) - x(shown.from)} y={TOP} height={HEIGHT - TOP - BOTTOM} />}
        {bars.map((bar) => (
          <Stack key={bar.from} bar={bar} x={x(bar.from) + 0.5} width={thick} y={y} />
        ))}
      </svg>
      <figcaption>
        {shown === undefined ? (
          <span class="dim">{plural(bars.reduce((sum, bar) => sum + bar.total, 0), "alert")}</span>
        ) : (
          <span>
            {shortTime(shown.from, now.value, zone.value)}–{clockTime(shown.to, zone.value)}: <b>{shown.total}</b>
          </span>
        )}
        <span class="legend">
          {HEAVIEST_FIRST.map((severity) => (
            <span key={severity} class="legend-item">
              <SeverityShape severity={severity} size={11} />
              {severity} <b>{count((shown?.counts ?? totals)[severity])}</b>
            </span>
          ))}
        </span>
      </figcaption>
    </figure>
  );
}

function Stack({ bar, x, width, y }: { bar: Bar; x: number; width: number; y: (value: number) => number }) {
  if (bar.total === 0) return null;
  let below = 0;
  return (
    <g>
      {/* The heaviest stand at the bottom, where bars can be compared. */}
      {HEAVIEST_FIRST.map((severity) => {
        const value = bar.counts[severity];
        if (value === 0) return null;
        const [bottom, topEdge] = [y(below), y(below + value)];
        below += value;
        return <rect key={severity} class={`bar ${severity}`} x={x} width={width} y={topEdge} height={Math.max(1, bottom - topEdge - 0.75)} />;
      })}
    </g>
  );
}
