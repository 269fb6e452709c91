// A number with how it went over the last hour.
import type { ComponentChildren } from "preact";
import { averages, linePath } from "../lib/chart";
import { rate } from "../lib/format";
import { linear } from "../lib/scale";
import { useWidth } from "./width";

const HEIGHT = 34;
/** So many points are drawn: a minute each. */
const POINTS = 60;

interface FigureProps {
  name: string;
  value: string;
  unit?: string;
  values?: readonly (number | null)[];
  /** What the values are, for those who cannot see them. */
  hint?: string;
  children?: ComponentChildren;
}

export function Figure({ name, value, unit, values, hint, children }: FigureProps) {
  return (
    <div class="figure card">
      <p class="figure-name">{name}</p>
      <p class="figure-value">
        {value}
        {unit !== undefined && <span class="unit"> {unit}</span>}
      </p>
      {values !== undefined && <Spark values={values} hint={hint ?? name} />}
      {children !== undefined && <p class="figure-more">{children}</p>}
    </div>
  );
}

function Spark({ values: all, hint }: { values: readonly (number | null)[]; hint: string }) {
  const [frame, width] = useWidth(200);
  const values = averages(all, POINTS);
  const known = values.filter((value): value is number => value !== null);
  if (known.length < 2) return <div class="spark" ref={frame} />;
  const [least, most] = [Math.min(...known), Math.max(...known)];
  // A line that hardly moves is drawn flat, not blown up.
  const room = Math.max(most - least, most * 0.2, 1e-9);
  const x = linear([0, values.length - 1], [1, width - 1]);
  const y = linear([Math.max(0, most - room), most], [HEIGHT - 2, 2]);
  const points = values.map((value, index) => [x(index), value === null ? null : y(value)] as const);
  const line = linePath(points);
  return (
    <div class="spark" ref={frame}>
      <svg width={width} height={HEIGHT} role="img" aria-label={`${hint}, over the last hour: from ${rate(least)} to ${rate(most)}`}>
        <path class="spark-area" d={`${line}L${x(values.length - 1)} ${HEIGHT}L${x(0)} ${HEIGHT}Z`} />
        <path class="spark-line" d={line} />
      </svg>
    </div>
  );
}
