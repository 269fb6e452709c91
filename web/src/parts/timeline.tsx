// The picture of an alert: its events in the lanes of the rule's steps, the window, the moment of the decision. Each event
// can be pointed at, touched, or gone to with the arrow keys; its record stands below.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Captured } from "../api/types";
import { listed, plural } from "../lib/format";
import { clockTime, exactTime, shortTime, span } from "../lib/time";
import { firstZoom, layOut, type Mark, type Timeline, type TimelineInput, type Zoom } from "../lib/timeline";
import { now, zone } from "./clock";
import { RecordTable } from "./record";
import { useWidth } from "./width";

const RADIUS = 6;

export function TimelinePicture({ input }: { input: TimelineInput }) {
  const [frame, width] = useWidth(720);
  const [zoom, setZoom] = useState<Zoom>(() => firstZoom(input));
  const picture = useMemo(() => layOut(input, width, zoom, zone.value), [input, width, zoom, zone.value]);
  const ordered = useMemo(() => picture.marks.map((_, index) => index).sort((one, other) => picture.marks[one]!.x - picture.marks[other]!.x), [picture]);
  // At first the event that decided it, so that its record is there without a touch.
  const [picked, setAt] = useState<number | null>(null);
  useEffect(() => setAt(null), [input, zoom]);
  const at = picked ?? ordered.at(-1) ?? 0;
  const chosen = picture.marks[at];
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined || ordered.length === 0) return;
    event.preventDefault();
    const next = ordered[Math.min(ordered.length - 1, Math.max(0, ordered.indexOf(at) + step))]!;
    setAt(next);
    (event.currentTarget as Element).querySelector<SVGElement>(`[data-mark="${next}"]`)?.focus();
  };
  return (
    <div class="timeline">
      <div ref={frame} class="timeline-frame">
        <svg width={width} height={picture.height} role="group" aria-label={inWords(input)} onKeyDown={move}>
          <Ground picture={picture} input={input} />
          <Story picture={picture} />
          {picture.marks.map((mark, index) => (
            <MarkShape
              key={`${mark.lane}-${mark.events[0]}`}
              mark={mark}
              index={index}
              captured={input.captured}
              isChosen={index === at}
              onChoose={() => setAt(index)}
            />
          ))}
        </svg>
      </div>
      <div class="timeline-foot">
        <TimelineLegend input={input} />
        {picture.canZoom && (
          <div class="segments" role="radiogroup" aria-label="What the picture shows">
            {(["events", "window"] as const).map((name) => (
              <button type="button" key={name} role="radio" aria-checked={zoom === name} onClick={() => setZoom(name)}>
                {name === "events" ? "the events" : "the whole window"}
              </button>
            ))}
          </div>
        )}
      </div>
      <Readout chosen={chosen} input={input} />
    </div>
  );
}

/** Lanes, axis, window, decision: what stands still. */
function Ground({ picture, input }: { picture: Timeline; input: TimelineInput }) {
  const { lanes, window, axis, decided, ticks, scale, width } = picture;
  const left = scale.range[0] - 10;
  const isNarrow = left < 40;
  const top = lanes[0]?.top ?? 0;
  const nearRight = decided > width - 90;
  return (
    <g>
      {window !== null && (
        <g>
          <rect class="window" x={window.from} y={top} width={Math.max(0, window.to - window.from)} height={axis - top} />
          {!window.isCut && <line class="window-end" x1={window.to} x2={window.to} y1={top} y2={axis} />}
          {window.to - decided > 130 && (
            <text class="window-name" x={window.to} y={top - 13} text-anchor="end">
              {window.isCut ? "the window goes on" : "end of the window"}
            </text>
          )}
        </g>
      )}
      {lanes.map((lane, index) => (
        <g key={index}>
          {index > 0 && <line class="grid" x1={isNarrow ? 0 : 8} x2={width} y1={lane.top} y2={lane.top} />}
          <text class={lane.absent ? "lane-name absent" : "lane-name"} x={isNarrow ? 4 : 8} y={isNarrow ? lane.top + 13 : lane.middle + 4}>
            {shortened(lane.text, isNarrow ? 44 : 20)}
            <title>{lane.text}</title>
          </text>
        </g>
      ))}
      <line class="axis" x1={left} x2={width} y1={axis} y2={axis} />
      {ticks.times.map((time) => (
        <g key={time}>
          <line class="axis" x1={scale(time)} x2={scale(time)} y1={axis} y2={axis + 4} />
          <text class="tick" x={scale(time)} y={axis + 18} text-anchor="middle">
            {clockTime(time, zone.value, ticks.stepMs < 1000).slice(0, ticks.stepMs >= 60_000 ? 5 : undefined)}
          </text>
        </g>
      ))}
      {picture.stretches.map((stretch) => (
        <Absence key={stretch.lane} from={stretch.from} to={stretch.to} y={stretch.y} />
      ))}
      <line class="decided" x1={decided} x2={decided} y1={top - 8} y2={axis} />
      <text class="decided-name" x={nearRight ? decided + 4 : decided} y={top - 13} text-anchor={nearRight ? "end" : "middle"}>
        {input.kind === "timeout" ? "time ran out" : "decided"}
      </text>
    </g>
  );
}

/** Nothing came here, and that counts. */
function Absence({ from, to, y }: { from: number; to: number; y: number }) {
  return (
    <g class="absence">
      <line x1={from} x2={to} y1={y} y2={y} />
      <line x1={from} x2={from} y1={y - 6} y2={y + 6} />
      <line x1={to} x2={to} y1={y - 6} y2={y + 6} />
      {to - from > 80 && (
        <text x={(from + to) / 2} y={y - 6} text-anchor="middle">
          nothing came
        </text>
      )}
    </g>
  );
}

/** The line from event to event. */
function Story({ picture }: { picture: Timeline }) {
  const points = picture.marks
    .flatMap((mark) => (mark.end > mark.x ? [{ x: mark.x, y: mark.y }, { x: mark.end, y: mark.y }] : [{ x: mark.x, y: mark.y }]))
    .sort((one, other) => one.x - other.x || one.y - other.y);
  if (points.length < 2) return null;
  return <path class="story" d={points.map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y}`).join("")} />;
}

interface MarkProps {
  mark: Mark;
  index: number;
  captured: Captured[];
  /** The tab key stops only at the one that is chosen. */
  isChosen: boolean;
  onChoose: () => void;
}

function MarkShape({ mark, index, captured, isChosen, onChoose }: MarkProps) {
  const first = captured[mark.events[0]!]!;
  const many = mark.events.length;
  const text = String(many);
  const width = Math.max(mark.end - mark.x + 2 * RADIUS, many > 1 ? text.length * 8 + 12 : 0);
  const names = listed([...new Set(mark.events.map((event) => captured[event]!.variable))]);
  const label = `${many > 1 ? `${many} events ${names}` : names} at ${exactTime(Date.parse(first.time), zone.value)}`;
  const centre = (mark.x + mark.end) / 2;
  return (
    <g
      class={isChosen ? "mark chosen" : "mark"}
      data-mark={index}
      role="button"
      tabIndex={isChosen ? 0 : -1}
      aria-label={label}
      aria-pressed={isChosen}
      onPointerEnter={(event) => event.pointerType === "mouse" && onChoose()}
      onClick={onChoose}
      onFocus={onChoose}
    >
      {/* Fingers want more room than the picture has. */}
      <rect class="touch" x={centre - Math.max(width, 26) / 2} y={mark.y - 16} width={Math.max(width, 26)} height={32} />
      {many === 1 ? (
        <circle cx={mark.x} cy={mark.y} r={RADIUS} />
      ) : (
        <>
          <rect class="pill" x={centre - width / 2} y={mark.y - 9} width={width} height={18} rx={9} />
          <text x={centre} y={mark.y + 4} text-anchor="middle">
            {text}
          </text>
        </>
      )}
    </g>
  );
}

function TimelineLegend({ input }: { input: TimelineInput }) {
  const took = (Date.parse(input.decidedTime) - Date.parse(input.firstTime)) / 1000;
  return (
    <p class="small dim">
      {plural(input.captured.length, "event")}, decided {span(took)} after the first
      {input.withinSeconds !== null && <>; the window is {span(input.withinSeconds)}</>}. All times are event time. Point at an event, touch it or go to it with the arrow keys.
    </p>
  );
}

/** The record of the event that was chosen. */
function Readout({ chosen, input }: { chosen: Mark | undefined; input: TimelineInput }) {
  if (chosen === undefined) return null;
  const shown = chosen.events.slice(0, 3);
  const more = chosen.events.length - shown.length;
  return (
    <div class="readout" aria-live="polite">
      {shown.map((index) => {
        const event = input.captured[index]!;
        return (
          <div key={index} class="readout-event">
            <p class="readout-head">
              <b>{event.variable}</b>
              <span class="dim">{event.stream ?? "a stream that is gone"}</span>
              <time class="event-time" dateTime={event.time} title={`${exactTime(Date.parse(event.time), zone.value)}, event time`}>
                {shortTime(Date.parse(event.time), now.value, zone.value)}
              </time>
            </p>
            <RecordTable record={event.record} />
          </div>
        );
      })}
      {more > 0 && <p class="dim small">and {plural(more, "more event")} close to them; all stand in the table below.</p>}
    </div>
  );
}

function inWords(input: TimelineInput): string {
  const variables = [...new Set(input.captured.map((event) => event.variable))];
  const counts = variables.map((name) => `${input.captured.filter((event) => event.variable === name).length} ${name}`);
  return `Timeline: ${listed(counts)}. Arrow keys go from event to event.`;
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
