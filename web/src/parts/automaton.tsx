// The automaton of a rule, alive: how many partial matches are in each of its states.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Graph } from "../api/types";
import { draw, type Arrow, type Box } from "../lib/automaton";
import { count, plural } from "../lib/format";
import { useWidth } from "./width";

/** Below this width it is drawn from top to bottom. */
const NARROW = 560;

export function Automaton({ graph, counts }: { graph: Graph; counts: readonly number[] | null }) {
  const [frame, width] = useWidth(900);
  const isNarrow = width < NARROW;
  const drawing = useMemo(() => draw(graph, isNarrow ? "TB" : "LR"), [graph, isNarrow]);
  const most = Math.max(1, ...(counts ?? []));
  // A little too wide is made smaller; much too wide is moved about.
  const scale = Math.min(1, Math.max(0.72, width / drawing.width));
  const total = (counts ?? []).reduce((sum, number) => sum + number, 0);
  const words = graph.nodes.map(({ label }, index) => `${label}${counts === null ? "" : `: ${counts[index] ?? 0}`}`).join(", ");
  return (
    <div class="automaton scroll" ref={frame} tabIndex={0} role="region" aria-label="The automaton of the rule">
      <svg
        width={drawing.width * scale}
        height={drawing.height * scale}
        viewBox={`0 0 ${drawing.width} ${drawing.height}`}
        role="img"
        aria-label={`States with their partial matches, ${total} altogether. ${words}`}
      >
        <defs>
          <marker id="arrow-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">
            <path d="M0 .8 7.2 4 0 7.2z" class="arrow-head" />
          </marker>
        </defs>
        {drawing.arrows.map((arrow, index) => (
          <ArrowShape key={index} arrow={arrow} />
        ))}
        {drawing.boxes.map((box, index) => (
          <BoxShape key={index} box={box} isStart={index === 0} count={counts === null || index === 0 || box.accepting ? null : (counts[index] ?? 0)} most={most} />
        ))}
      </svg>
      {graph.left_out > 0 && <p class="small dim">{plural(graph.left_out, "more state")} not drawn.</p>}
    </div>
  );
}

function ArrowShape({ arrow }: { arrow: Arrow }) {
  const height = arrow.label.length * 14 + 4;
  const width = Math.max(...arrow.label.map((line) => line.length)) * 6.4 + 8;
  return (
    <g class={arrow.dashed ? "arrow dashed" : "arrow"}>
      <path d={arrow.path} marker-end="url(#arrow-head)" />
      <rect class="arrow-ground" x={arrow.labelX - width / 2} y={arrow.labelY - height / 2} width={width} height={height} rx={4} />
      {arrow.label.map((line, index) => (
        <text key={index} x={arrow.labelX} y={arrow.labelY - ((arrow.label.length - 1) * 14) / 2 + index * 14 + 4} text-anchor="middle">
          {line}
        </text>
      ))}
    </g>
  );
}

interface BoxProps {
  box: Box;
  isStart: boolean;
  /** How many partial matches are here; null where there are never any. */
  count: number | null;
  most: number;
}

function BoxShape({ box, isStart, count: number, most }: BoxProps) {
  const { x, y, width, height, label, accepting } = box;
  const isMoved = useMoved(number);
  const [left, top] = [x - width / 2, y - height / 2];
  const kind = isStart ? "start" : accepting ? "accepting" : (number ?? 0) > 0 ? "held" : "state";
  // What differs by thousands still shows next to each other.
  const share = number === null || number === 0 ? 0 : 0.08 + 0.34 * (Math.log1p(number) / Math.log1p(most));
  return (
    <g class={`box ${kind}${isMoved ? " moved" : ""}`}>
      <title>{number === null ? label : `${label}: ${plural(number, "partial match", "partial matches")}`}</title>
      <rect x={left} y={top} width={width} height={height} rx={isStart ? height / 2 : 9} />
      {number !== null && number > 0 && <rect class="fill" x={left + 1.5} y={top + 1.5} width={width - 3} height={height - 3} rx={8} fill-opacity={share} />}
      {accepting && <rect class="inner" x={left + 4} y={top + 4} width={width - 8} height={height - 8} rx={6} />}
      <text x={x} y={number === null ? y + 4.5 : y - 4} text-anchor="middle">
        {label}
      </text>
      {number !== null && (
        <text class="box-count" x={x} y={y + 14} text-anchor="middle">
          {count(number)}
        </text>
      )}
    </g>
  );
}

const MOVED_MS = 900;

/** Whether a number has changed a moment ago. */
function useMoved(number: number | null): boolean {
  const last = useRef(number);
  const [isMoved, setMoved] = useState(false);
  useEffect(() => {
    if (last.current === number) return;
    last.current = number;
    setMoved(true);
    const timer = setTimeout(() => setMoved(false), MOVED_MS);
    return () => clearTimeout(timer);
  }, [number]);
  return isMoved;
}
