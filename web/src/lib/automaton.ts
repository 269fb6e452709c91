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

/** From left to right, or from top to bottom where there is little room. */
export function draw(graph: Graph, direction: "LR" | "TB"): Drawing {
  const picture = new Picture({ multigraph: true });
  picture.setGraph({ rankdir: direction, nodesep: 34, ranksep: direction === "LR" ? 40 : 34, marginx: 12, marginy: 12 });
  graph.nodes.forEach(({ label }, index) => {
    picture.setNode(String(index), { width: Math.max(72, label.length * LETTER + 30), height: 46 });
  });
  graph.edges.forEach(({ from, to, label }, index) => {
    const lines = broken(label, LABEL_WIDTH);
    const width = Math.max(...lines.map((line) => line.length)) * LABEL_LETTER + 12;
    const size = { width, height: lines.length * LABEL_LINE + 6, labelpos: "c" as const };
    picture.setEdge(String(from), String(to), size, String(index));
  });
  layout(picture);
  const size = picture.graph() as { width: number; height: number };
  const boxes = graph.nodes.map(({ label, accepting }, index) => {
    const { x, y, width, height } = picture.node(String(index)) as Box;
    return { x, y, width, height, label, accepting };
  });
  const arrows = graph.edges.map(({ from, to, label, dashed }, index) => {
    const edge = picture.edge(String(from), String(to), String(index)) as unknown as Edge;
    const [labelX, labelY] = [edge.x ?? 0, edge.y ?? 0];
    return { path: curve(edge.points), label: broken(label, LABEL_WIDTH), labelX, labelY, dashed, from, to };
  });
  return { width: size.width, height: size.height, boxes, arrows };
}

interface Edge {
  points: { x: number; y: number }[];
  x?: number;
  y?: number;
}

/** A soft line through points. */
export function curve(points: readonly { x: number; y: number }[]): string {
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
