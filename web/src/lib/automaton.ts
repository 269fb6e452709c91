// Where the boxes and arrows of an automaton lie.
import { Graph as Picture, layout } from "@dagrejs/dagre";
import type { Graph } from "../api/types";

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
  label: string;
  accepting: boolean;
}

export interface Arrow {
  path: string;
  label: string[];
  labelX: number;
  labelY: number;
  dashed: boolean;
  from: number;
  to: number;
}

export interface Drawing {
  width: number;
  height: number;
  boxes: Box[];
  arrows: Arrow[];
}

const LETTER = 7.2;
const LABEL_LETTER = 6.4;
const LABEL_LINE = 14;
/** Labels of arrows are broken into lines of about so many letters. */
const LABEL_WIDTH = 22;

/** Words in lines of about so many letters. */
export function broken(text: string, most: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const HEIGHT = 46;
/** How far a loop reaches out of its box. */
const LOOP = 26;

/** From left to right, or from top to bottom where there is little room. */
export function draw(graph: Graph, direction: "LR" | "TB"): Drawing {
  const isWide = direction === "LR";
  const picture = new Picture({ multigraph: true });
  picture.setGraph({ rankdir: direction, nodesep: 30, ranksep: isWide ? 40 : 34, marginx: 12, marginy: 12 });
  const labels = graph.edges.map(({ label }) => broken(label, LABEL_WIDTH));
  graph.nodes.forEach(({ label }, index) => {
    const loops = graph.edges.flatMap((edge, at) => (edge.from === index && edge.to === index ? [sizeOf(labels[at]!)] : []));
    const [width, height] = [widthOf(label), HEIGHT];
    // The layout knows no loops: their room is part of the box, on both sides so that the box stays in the middle.
    const over = loops.reduce((sum, size) => sum + LOOP + (isWide ? size.height : size.width), 0);
    picture.setNode(String(index), isWide ? { width, height: height + 2 * over } : { width: width + 2 * over, height });
  });
  graph.edges.forEach(({ from, to }, index) => {
    if (from !== to) picture.setEdge(String(from), String(to), { ...sizeOf(labels[index]!), labelpos: "c" as const }, String(index));
  });
  layout(picture);
  const size = picture.graph() as { width: number; height: number };
  const boxes = graph.nodes.map(({ label, accepting }, index): Box => {
    const { x, y } = picture.node(String(index)) as Point;
    return { x, y, width: widthOf(label), height: HEIGHT, label, accepting };
  });
  const over = graph.nodes.map(() => 0);
  const arrows = graph.edges.map(({ from, to, dashed }, index): Arrow => {
    const label = labels[index]!;
    if (from === to) {
      const drawn = loop(boxes[from]!, sizeOf(label), over[from]!, isWide);
      over[from]! += LOOP;
      return { ...drawn, label, dashed, from, to };
    }
    const { points, x = 0, y = 0 } = picture.edge(String(from), String(to), String(index)) as unknown as Edge;
    return { path: curve(ending(points, boxes[from]!, boxes[to]!)), label, labelX: x, labelY: y, dashed, from, to };
  });
  return { ...cut(size, boxes, arrows, isWide), boxes, arrows };
}

interface Point {
  x: number;
  y: number;
}

interface Edge {
  points: Point[];
  x?: number;
  y?: number;
}

const widthOf = (label: string): number => Math.max(72, label.length * LETTER + 30);

function sizeOf(label: readonly string[]): { width: number; height: number } {
  return { width: Math.max(...label.map((line) => line.length)) * LABEL_LETTER + 12, height: label.length * LABEL_LINE + 6 };
}

/** An arrow from a box to itself: over it, or beside it where the picture goes downwards. */
function loop(box: Box, size: { width: number; height: number }, above: number, isWide: boolean): Pick<Arrow, "path" | "labelX" | "labelY"> {
  const out = LOOP + above;
  if (isWide) {
    const [top, far] = [box.y - box.height / 2, box.y - box.height / 2 - out];
    const path = `M${box.x + 16} ${top}C${box.x + 22} ${far} ${box.x - 22} ${far} ${box.x - 16} ${top}`;
    return { path, labelX: box.x, labelY: far - size.height / 2 + 10 };
  }
  const [side, far] = [box.x + box.width / 2, box.x + box.width / 2 + out];
  const path = `M${side} ${box.y + 11}C${far} ${box.y + 17} ${far} ${box.y - 17} ${side} ${box.y - 11}`;
  return { path, labelX: far + size.width / 2 - 6, labelY: box.y };
}

/** The points of an arrow, which begins and ends at the boxes as they are drawn. */
function ending(points: readonly Point[], from: Box, to: Box): Point[] {
  const inner = points.slice(1, -1);
  return [edgeOf(from, inner[0] ?? to), ...inner, edgeOf(to, inner.at(-1) ?? from)];
}

/** Where the line from the middle of a box to a point leaves the box. */
export function edgeOf(box: Pick<Box, "x" | "y" | "width" | "height">, point: Point): Point {
  const [dx, dy] = [point.x - box.x, point.y - box.y];
  const part = Math.min(dx === 0 ? Infinity : box.width / 2 / Math.abs(dx), dy === 0 ? Infinity : box.height / 2 / Math.abs(dy));
  return Number.isFinite(part) ? { x: box.x + dx * part, y: box.y + dy * part } : { x: box.x, y: box.y };
}

/** The picture without the room for loops on the side where there are none. */
function cut(size: { width: number; height: number }, boxes: readonly Box[], arrows: readonly Arrow[], isWide: boolean): { width: number; height: number } {
  const places = arrows.map(({ labelX, labelY, label }) => ({ x: labelX, y: labelY, ...sizeOf(label) }));
  const far = (along: "x" | "y", length: "width" | "height"): number =>
    Math.max(0, ...boxes.map((box) => box[along] + box[length] / 2), ...places.map((place) => place[along] + place[length] / 2)) + 12;
  return isWide ? { width: size.width, height: Math.min(size.height, far("y", "height")) } : { width: Math.min(size.width, far("x", "width")), height: size.height };
}

/** A soft line through points. */
function curve(points: readonly { x: number; y: number }[]): string {
  const at = ({ x, y }: { x: number; y: number }): string => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const [first, ...rest] = points;
  if (first === undefined) return "";
  if (rest.length < 2) return `M${at(first)}${rest.map((point) => `L${at(point)}`).join("")}`;
  let path = `M${at(first)}`;
  for (const [index, point] of rest.slice(0, -1).entries()) {
    const next = rest[index + 1]!;
    const isLast = index === rest.length - 2;
    const end = isLast ? next : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    path += `Q${at(point)} ${at(end)}`;
  }
  return path;
}
