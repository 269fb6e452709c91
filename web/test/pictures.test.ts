import assert from "node:assert/strict";
import { test } from "node:test";
import type { Graph, Step } from "../src/api/types";
import { broken, draw, edgeOf } from "../src/lib/automaton";
import { readEvents, writeEvents } from "../src/lib/play";
import { draftFor, isAbout, NO_SILENCE, silenceOf, stateOf } from "../src/lib/silence";
import { firstZoom, layOut, type TimelineInput } from "../src/lib/timeline";
import { afterEdit, inText, pieces } from "../src/lib/tokens";

const at = (clock: string): string => `2026-11-20T${clock}Z`;
const step = (variable: string, absent = false): Step => ({ text: variable, variables: [variable], absent });
const event = (variable: string, clock: string) => ({ variable, stream: "s", time: at(clock), record: {} });

const input = (more: Partial<TimelineInput> = {}): TimelineInput => ({
  captured: [event("tiny", "08:00:00"), event("tiny", "08:01:00"), event("tiny", "08:02:00"), event("big", "08:04:00")],
  steps: [step("tiny"), step("big")],
  withinSeconds: 600, firstTime: at("08:00:00"), lastTime: at("08:04:00"), decidedTime: at("08:04:00"), kind: "match", ...more,
});

test("each event lies in the lane of its step, at its time, inside the picture", () => {
  const picture = layOut(input(), 800, "window", "utc");
  assert.deepEqual(picture.lanes.map((lane) => [lane.text, lane.count]), [["tiny", 3], ["big", 1]]);
  assert.deepEqual(picture.marks.map((mark) => mark.lane), [0, 0, 0, 1]);
  const [first, second, third] = picture.marks.map((mark) => mark.x);
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  assert.ok(Math.abs(second - first - (third - second)) < 1e-9, "equal spans are equally long");
  assert.equal(picture.decided, picture.marks[3]?.x);
  assert.ok(picture.marks.every((mark) => mark.x > 0 && mark.end < 800));
});

test("the window ends in the picture, or is cut where only the events are shown", () => {
  const whole = layOut(input(), 800, "window", "utc").window;
  assert.ok(whole !== null && !whole.isCut && whole.to < 800);
  const cut = layOut(input(), 800, "events", "utc");
  assert.ok(cut.window?.isCut === true && cut.canZoom);
  assert.equal(cut.window.to, cut.marks[3]?.x);
  assert.equal(layOut(input({ withinSeconds: null }), 800, "window", "utc").window, null);
});

test("events that take little of the window are shown large first", () => {
  assert.equal(firstZoom(input()), "window");
  assert.equal(firstZoom(input({ withinSeconds: 86_400 })), "events");
});

test("what did not come is a stretch from the events before to those after, or to the decision", () => {
  const takeover = input({
    captured: [event("change", "08:00:00"), event("stranger", "09:00:00"), event("drain", "11:00:00")],
    steps: [step("change"), step("stranger"), step("verified", true), step("drain")],
    withinSeconds: 86_400, lastTime: at("11:00:00"), decidedTime: at("11:00:00"),
  });
  const picture = layOut(takeover, 800, "window", "utc");
  const [stretch] = picture.stretches;
  assert.equal(stretch?.lane, 2);
  assert.equal(stretch.from, picture.marks[1]?.x);
  assert.equal(stretch.to, picture.marks[2]?.x);
  const silent = layOut(input({ captured: [event("reading", "08:00:00")], steps: [step("reading"), step("sign", true)], lastTime: at("08:00:00"), decidedTime: at("08:15:00"), withinSeconds: null }), 800, "events", "utc");
  assert.equal(silent.stretches[0]?.to, silent.decided);
});

test("marks that would lie on each other are one with their number, and lose no event", () => {
  const captured = Array.from({ length: 500 }, (_, index) => ({ ...event("tiny", "08:00:00"), time: new Date(Date.parse(at("08:00:00")) + index * 100).toISOString() }));
  const picture = layOut(input({ captured, lastTime: captured.at(-1)!.time, decidedTime: captured.at(-1)!.time }), 360, "window", "utc");
  assert.ok(picture.marks.length < 30);
  assert.equal(picture.marks.reduce((sum, mark) => sum + mark.events.length, 0), 500);
});

test("a part that takes one of several has one lane; a variable that stands twice has one, too", () => {
  const steps = [{ text: "a or b", variables: ["a", "b"], absent: false }, step("c"), { text: "c again", variables: ["c"], absent: false }];
  const picture = layOut(input({ steps, captured: [event("b", "08:00:00"), event("c", "08:01:00"), event("a", "08:02:00")] }), 800, "window", "utc");
  assert.deepEqual(picture.lanes.map((lane) => [lane.text, lane.count]), [["a or b", 2], ["c", 1]]);
});

test("without the steps of the rule, lanes are those of the variables; a moment has a width", () => {
  const picture = layOut(input({ steps: null, captured: [event("a", "08:00:00"), event("b", "08:00:00")], lastTime: at("08:00:00"), decidedTime: at("08:00:00"), withinSeconds: null }), 800, "events", "utc");
  assert.deepEqual(picture.lanes.map((lane) => lane.text), ["a", "b"]);
  assert.ok(picture.marks.every((mark) => Number.isFinite(mark.x)));
});

const graph: Graph = {
  nodes: [{ label: "start", accepting: false }, { label: "tiny 3+", accepting: false }, { label: "big", accepting: true }],
  edges: [
    { from: 0, to: 1, label: "tiny", dashed: false },
    { from: 1, to: 1, label: "tiny", dashed: false },
    { from: 1, to: 2, label: "big unless verified within 10m", dashed: false },
  ],
  within_seconds: 600, left_out: 0,
};

test("boxes of an automaton do not lie on each other, arrows end at them, loops are arrows", () => {
  for (const direction of ["LR", "TB"] as const) {
    const { boxes, arrows, width, height } = draw(graph, direction);
    for (const [index, one] of boxes.entries()) {
      for (const other of boxes.slice(index + 1)) {
        const apart = Math.abs(one.x - other.x) >= (one.width + other.width) / 2 || Math.abs(one.y - other.y) >= (one.height + other.height) / 2;
        assert.ok(apart, `${direction}: ${one.label} and ${other.label}`);
      }
      assert.ok(one.x - one.width / 2 >= 0 && one.x + one.width / 2 <= width && one.y - one.height / 2 >= 0 && one.y + one.height / 2 <= height);
    }
    assert.equal(arrows.length, 3);
    assert.ok(arrows.every((arrow) => /^M/.test(arrow.path) && !arrow.path.includes("NaN")), direction);
    assert.ok(arrows.every((arrow) => arrow.labelY > 0 && arrow.labelY < height));
  }
});

test("lines end at the edge of a box", () => {
  const box = { x: 100, y: 100, width: 40, height: 20 };
  assert.deepEqual(edgeOf(box, { x: 200, y: 100 }), { x: 120, y: 100 });
  assert.deepEqual(edgeOf(box, { x: 100, y: 0 }), { x: 100, y: 90 });
  assert.deepEqual(edgeOf(box, { x: 100, y: 100 }), { x: 100, y: 100 });
  assert.deepEqual(broken("big unless verified within 10m", 12), ["big unless", "verified", "within 10m"]);
});

test("tokens count bytes, the page counts letters", () => {
  const text = "# naïve 🙂\nrule x";
  const bytes = new TextEncoder().encode(text);
  const start = new TextEncoder().encode("# naïve 🙂\n").length;
  const tokens = [{ start: 0, end: start - 1, kind: "comment" }, { start, end: start + 4, kind: "keyword" }, { start: bytes.length - 1, end: bytes.length, kind: "name" }];
  assert.deepEqual(pieces(text, inText(tokens, text)).map(({ text, kind }) => [text, kind]), [["# naïve 🙂", "comment"], ["\n", ""], ["rule", "keyword"], [" ", ""], ["x", "name"]]);
});

test("pieces are the whole text, whatever the tokens say", () => {
  const text = "match tiny";
  for (const tokens of [[], [{ start: 3, end: 99, kind: "x" }], [{ start: 5, end: 2, kind: "x" }, { start: 0, end: 5, kind: "y" }, { start: 2, end: 7, kind: "z" }]]) {
    assert.equal(pieces(text, tokens).map((piece) => piece.text).join(""), text);
  }
});

test("colours follow an edit until the service has read it", () => {
  const tokens = [{ start: 0, end: 5, kind: "keyword" }, { start: 6, end: 10, kind: "event" }, { start: 11, end: 15, kind: "keyword" }];
  const shown = (before: string, after: string) => afterEdit(tokens, before, after).map(({ start, end, kind }) => [after.slice(start, end), kind]);
  const before = "match tiny then";
  assert.deepEqual(shown(before, "match tinny then"), [["match", "keyword"], ["tinny", "event"], ["then", "keyword"]]);
  assert.deepEqual(shown(before, "match  tiny then"), [["match", "keyword"], ["tiny", "event"], ["then", "keyword"]]);
  // Which of the two `t` is gone nobody can tell: what may be wrong has no colour.
  assert.deepEqual(shown(before, "match then"), [["match", "keyword"]]);
  assert.deepEqual(shown(before, ""), []);
});

test("events of the playground are read line by line, and mistakes are told with their line", () => {
  const text = '{"stream":"logins","record":{"user":"ada"}}\n\n# a remark\n{"user":"bo"}\n{oops\n[1]';
  const read = readEvents(text, "logins");
  assert.deepEqual(read.events, [{ stream: "logins", record: { user: "ada" } }, { stream: "logins", record: { user: "bo" } }]);
  assert.deepEqual(read.lines, [1, 4]);
  assert.deepEqual(read.problems.map((one) => one.line), [5, 6]);
  assert.deepEqual(readEvents(text, "").problems.map((one) => one.line), [4, 5, 6]);
});

test("events of an alert are written in order of time, and read again", () => {
  const captured = [{ ...event("big", "08:04:00"), record: { id: 2 } }, { ...event("tiny", "08:00:00"), record: { id: 1 } }];
  const wanted = [{ stream: "s", time: at("08:00:00"), record: { id: 1 } }, { stream: "s", time: at("08:04:00"), record: { id: 2 } }];
  assert.deepEqual(readEvents(writeEvents(captured), "").events, wanted);
});

test("a silence has to say what and for how long", () => {
  const now = Date.parse(at("08:00:00"));
  const made = silenceOf({ ...draftFor("card_testing", { card: "c1" }), span: "30m" }, "ana", now);
  assert.deepEqual(made, { match: { rules: ["card_testing"], fields: { card: ["c1"] } }, ends: "2026-11-20T08:30:00.000Z", author: "ana", comment: "" });
  for (const wrong of [NO_SILENCE, { ...NO_SILENCE, rules: "a", span: "" }, { ...NO_SILENCE, fields: "card" }]) {
    assert.equal(typeof silenceOf(wrong, "ana", now), "string");
  }
  assert.equal(typeof silenceOf({ ...NO_SILENCE, rules: "a" }, "", now), "string");
});

test("where a silence stands, and whether it names a key", () => {
  const silence = { id: "x", match: { fields: { card: ["c1", "c2"] } }, starts: at("08:00:00"), ends: at("09:00:00"), author: "ana", comment: "", created: at("07:00:00") };
  assert.deepEqual(["07:59:59", "08:00:00", "09:00:00"].map((clock) => stateOf(silence, Date.parse(at(clock)))), ["coming", "active", "over"]);
  assert.ok(isAbout(silence, ["card=c2"]) && isAbout(silence, ["c1"]) && !isAbout(silence, ["user=c1"]) && !isAbout(silence, ["c3"]));
});
