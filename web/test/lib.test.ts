import assert from "node:assert/strict";
import { test } from "node:test";
import { EventReader } from "../src/api/sse";
import { pauseAfter } from "../src/api/stream";
import { NO_ALERTS, reduce } from "../src/lib/alert-list";
import { averages, barsOf, topOf } from "../src/lib/chart";
import { sendingsOf } from "../src/lib/delivery";
import { filterOf, filterParams, filterQuery, fits, hasKey, NO_FILTER } from "../src/lib/filter";
import { bytes, count, flat, keyParts, rate } from "../src/lib/format";
import { inline, parseMarkdown, type List } from "../src/lib/markdown";
import { href, parsePlace } from "../src/lib/route";
import { linear, niceTop, timeTicks } from "../src/lib/scale";
import { suggestions } from "../src/lib/suggest";
import { exactTime, parseSpan, relativeTime, shortTime, span } from "../src/lib/time";
import type { AlertSummary } from "../src/api/types";

const alert = (number: number, more: Partial<AlertSummary> = {}): AlertSummary => ({
  number, id: `id${number}`, rule: "card_testing", severity: "critical", kind: "match", title: `Card c${number}`, about: null,
  key: { card: `c${number}` }, first_time: "", last_time: "", decided_time: "", time: "2026-11-20T10:00:00Z", suppressed: 0, events: 4,
  status: "open", status_by: null, decisions: [], ...more,
});

test("server-sent events come out whole, wherever the pieces end", () => {
  const text = ": hello\r\n\r\nevent: alert\nid: 17\ndata: {\"a\":\ndata: 1}\n\ndata: x\n\nevent: changed\ndata: cut";
  const whole = new EventReader().push(text);
  assert.deepEqual(whole, [
    { event: "alert", id: "17", data: '{"a":\n1}' },
    { event: "message", id: "17", data: "x" },
  ]);
  for (let size = 1; size < 9; size++) {
    const reader = new EventReader();
    const found = [];
    for (let place = 0; place < text.length; place += size) found.push(...reader.push(text.slice(place, place + size)));
    assert.deepEqual(found, whole, `pieces of ${size}`);
  }
});

test("pauses between connections grow to a bound, and are not the same for all", () => {
  assert.equal(pauseAfter(0, 1), 500);
  assert.equal(pauseAfter(3, 0), 2_000);
  assert.equal(pauseAfter(40, 1), 15_000);
});

test("an alert that comes live has its place by its number, once", () => {
  let list = reduce(NO_ALERTS, { type: "loaded", page: { alerts: [alert(5), alert(3)], next: 3, searched_to: null } });
  list = reduce(list, { type: "arrived", alert: alert(7) });
  list = reduce(list, { type: "arrived", alert: alert(6) });
  list = reduce(list, { type: "arrived", alert: alert(7) });
  assert.deepEqual(list.items.map((one) => one.number), [7, 6, 5, 3]);
  assert.deepEqual([...list.fresh], ["id7", "id6"]);
});

test("what was said of an alert holds for a page that was asked for before", () => {
  let list = reduce(NO_ALERTS, { type: "loaded", page: { alerts: [alert(5)], next: 5, searched_to: null } });
  list = reduce(list, { type: "changed", id: "id4", status: "acknowledged", status_by: "ana" });
  list = reduce(list, { type: "changed", id: "id5", status: "resolved", status_by: "bo" });
  list = reduce(list, { type: "more", page: { alerts: [alert(5), alert(4)], next: null, searched_to: null } });
  assert.deepEqual(list.items.map(({ number, status, status_by }) => [number, status, status_by]), [[5, "resolved", "bo"], [4, "acknowledged", "ana"]]);
  assert.equal(list.next, null);
});

test("a filter in an address is read as it was written", () => {
  const filter = { ...NO_FILTER, text: "c1 ü&=#", rules: ["a", "b"], severities: ["low" as const, "critical" as const], keys: ["card=c/1"], status: "held" as const, since: "1h" };
  const place = parsePlace(href(["alerts"], filterParams(filter)));
  assert.deepEqual(place.path, ["alerts"]);
  assert.deepEqual(filterOf(place.params), filter);
  assert.deepEqual(filterOf(parsePlace("#/alerts?severity=loud&status=lost").params), NO_FILTER);
});

test("spans count back from now in what is asked", () => {
  const now = Date.parse("2026-11-20T10:00:00Z");
  assert.equal(filterQuery({ ...NO_FILTER, since: "1h" }, now)["since"], "2026-11-20T09:00:00.000Z");
  assert.equal(filterQuery({ ...NO_FILTER, since: "2026-11-20T01:00:00Z" }, now)["since"], "2026-11-20T01:00:00.000Z");
  assert.equal(filterQuery({ ...NO_FILTER, since: "soon" }, now)["since"], "");
});

test("a filter held against an alert", () => {
  const one = alert(1, { key: { card: "c1", shop: 7 } });
  assert.ok(fits({ ...NO_FILTER, text: "CARD C1", severities: ["critical"], keys: ["card=c1", "7"] }, one));
  assert.ok(!fits({ ...NO_FILTER, keys: ["c"] }, one));
  assert.ok(!fits({ ...NO_FILTER, status: "held" }, one));
  assert.ok(hasKey(one, "shop=7"));
});

test("addresses of keys keep whatever a key may be", () => {
  for (const key of ["card=c1", "a/b", "x?y#z", "100%", "ü ö", "time=10:30"]) {
    assert.deepEqual(parsePlace(href(["keys", key])).path, ["keys", key]);
  }
  assert.deepEqual(parsePlace("#/keys/100%"), { path: ["keys", "100%"], params: new URLSearchParams() });
});

test("times as people read them", () => {
  const now = Date.parse("2026-11-20T10:00:00Z");
  assert.equal(relativeTime(now - 3_000, now), "just now");
  assert.equal(relativeTime(now - 59_999, now), "59 s ago");
  assert.equal(relativeTime(now + 7_200_000, now), "in 2 h");
  assert.equal(shortTime(Date.parse("2025-01-02T03:04:05Z"), now, "utc"), "2 Jan 2025 03:04:05");
  assert.equal(exactTime(now + 120, "utc"), "2026-11-20 10:00:00.120 UTC");
  assert.equal(span(0.35), "0.35 s");
  assert.equal(span(600), "10 min");
  assert.equal(span(90_061), "1 d 1 h");
  assert.equal(span(0), "0 s");
  assert.equal(parseSpan("15m"), 900);
  assert.equal(parseSpan("15 parsecs"), null);
});

test("scales and their lines", () => {
  assert.equal(linear([0, 10], [100, 200])(5), 150);
  assert.equal(linear([3, 3], [0, 10])(3), 5);
  assert.deepEqual([0, 0.3, 7, 21, 100].map(niceTop), [1, 0.5, 10, 25, 100]);
  const { times, stepMs } = timeTicks(Date.parse("2026-11-20T10:07:00Z"), Date.parse("2026-11-20T11:00:00Z"), 5, "utc");
  assert.equal(stepMs, 900_000);
  assert.deepEqual(times.map((time) => new Date(time).toISOString().slice(11, 16)), ["10:15", "10:30", "10:45", "11:00"]);
  assert.ok(timeTicks(0, 1e15, 1, "utc").times.length <= 101);
});

test("bars are there for every step, also where nothing was", () => {
  const zeros = { info: 0, low: 0, medium: 0, high: 0, critical: 0 };
  const bars = barsOf({
    since: "2026-11-20T10:00:30Z", until: "2026-11-20T10:05:30Z", step_seconds: 60,
    buckets: [{ ...zeros, time: "2026-11-20T10:02:00Z", high: 2, low: 1 }],
  });
  assert.deepEqual(bars.map((bar) => bar.total), [0, 0, 3, 0, 0, 0]);
  assert.equal(bars[2]?.counts.high, 2);
  assert.equal(topOf([]), 4);
});

test("averages leave no value out", () => {
  assert.deepEqual(averages([1, 2, 3, 4, 5], 2), [1.5, 4]);
  assert.deepEqual(averages([null, null, 4, 6], 2), [null, 5]);
});

test("numbers, sizes and records", () => {
  assert.deepEqual([0, 999, 12_345, 123_456, 999_499, 999_500, 1_234_567, 2e9].map(count), ["0", "999", "12,345", "123k", "999k", "1M", "1.2M", "2G"]);
  assert.deepEqual([0, 0.04, 0.3, 12.4, 1234.5].map(rate), ["0", "0.04", "0.3", "12", "1,235"]);
  assert.deepEqual([17, 1_500, 52_000_000].map(bytes), ["17 bytes", "1.5 kB", "52.0 MB"]);
  assert.deepEqual(flat({ a: 1, b: { c: { d: "x" }, e: [] }, f: {} }), [["a", 1], ["b.c.d", "x"], ["b.e", []], ["f", {}]]);
  assert.deepEqual(keyParts({ show: "Aurora Tour", seat: 7 }), ["show=Aurora Tour", "seat=7"]);
});

test("what is searched for is guessed from how it is written", () => {
  const first = (text: string): string | undefined => suggestions(text, ["card_testing", "cash_out", "brute_force"])[0]?.path.join("/");
  assert.equal(first("card=c1"), "keys/card=c1");
  assert.equal(first("card"), "rules/card_testing");
  assert.equal(first("brute force"), "rules/brute_force");
  assert.equal(first("0b33fb5e"), "alerts/0b33fb5e");
  assert.equal(first("c-77"), "keys/c-77");
  assert.deepEqual(suggestions("  ", []), []);
});

test("each sink has one line: how its last attempt ended, or that it waits", () => {
  const decision = (decision: string, sinks: string[]) => ({ at: "a", decision, text: "", sinks });
  const delivery = (sink: string, outcome: "accepted" | "failed" | "forwarded", at: string, more = {}) => ({ notification: "n", sink, outcome, at, ...more });
  const sendings = sendingsOf(
    [decision("sent", ["desk", "audit", "hook"]), decision("already", ["other"])],
    [delivery("desk", "failed", "b", { error: "503" }), delivery("desk", "failed", "c", { error: "502" }), delivery("desk", "accepted", "d"), delivery("hook", "forwarded", "e", { to: "mail" })],
  );
  assert.deepEqual(sendings.map(({ sink, outcome, failed, at, error, to }) => [sink, outcome, failed, at, error, to]), [
    ["desk", "accepted", 2, "d", "", null],
    ["hook", "forwarded", 0, "e", "", "mail"],
    ["audit", "waiting", 0, "a", "", null],
  ]);
});

test("a rule in words is read as the service writes it", () => {
  const text = "# `r`\n\n> about \\*it\\*\n\nFor each `card`: one.\n\n## Events\n\n- a is `x`\n  - its field\n    1. deep\n- b\n1. one\n2. two\n";
  const blocks = parseMarkdown(text);
  assert.deepEqual(blocks.map((block) => block.kind), ["heading", "quote", "paragraph", "heading", "list", "list"]);
  const shown = (list: List): unknown[] => list.items.map((item) => [item.text.map((one) => one.text).join(""), ...item.children.map(shown)]);
  const lists = blocks.flatMap((block) => (block.kind === "list" ? [block.list] : []));
  assert.deepEqual(lists.map((list) => list.numbered), [false, true]);
  assert.deepEqual(lists.map(shown), [[["a is x", [["its field", [["deep"]]]]], ["b"]], [["one"], ["two"]]]);
  assert.deepEqual(blocks[1], { kind: "quote", text: [{ code: false, text: "about *it*" }] });
});

test("code is told from words, and what an author writes is no markup", () => {
  assert.deepEqual(inline("a `b` ``x`y`` c"), [{ code: false, text: "a " }, { code: true, text: "b" }, { code: false, text: " " }, { code: true, text: "x`y" }, { code: false, text: " c" }]);
  assert.deepEqual(inline("a `b"), [{ code: false, text: "a `b" }]);
  assert.deepEqual(inline("\\<b\\> \\`c\\`"), [{ code: false, text: "<b> `c`" }]);
  assert.deepEqual(inline("`` ` ``"), [{ code: true, text: "`" }]);
});
