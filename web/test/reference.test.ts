// The reference of the API: of a small document, and of the one of the program.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Document, Schema } from "../src/api/openapi";
import { curl, filtered, sectionsOf, unwrapped, type Operation } from "../src/lib/reference";
import { fieldsOf, innerOf, notesOf, sample, typeOf } from "../src/lib/schema";

const SCHEMAS: Record<string, Schema> = {
  Word: { type: "string", enum: ["live", "off"], description: "A word." },
  Node: {
    type: "object",
    required: ["name"],
    properties: {
      name: { type: "string" },
      time: { oneOf: [{ type: "null" }, { $ref: "#/components/schemas/Time", description: "When it is." }] },
      inner: { type: "array", items: { $ref: "#/components/schemas/Node" } },
      mode: { $ref: "#/components/schemas/Word", description: "Its mode." },
      limit: { type: "integer", minimum: 0, maximum: 9, default: 3 },
    },
  },
  Time: { type: "string", format: "date-time", examples: ["2026-03-01T08:00:00Z"] },
  Said: {
    oneOf: [
      { type: "object", required: ["type"], properties: { type: { type: "string", enum: ["came"] }, node: { $ref: "#/components/schemas/Node" } } },
      { allOf: [{ $ref: "#/components/schemas/Node" }, { type: "object", properties: { type: { type: "string", enum: ["went"] } } }] },
    ],
  },
};
const small: Document = { info: { title: "", version: "" }, tags: [], paths: {}, components: { schemas: SCHEMAS } };
const node: Schema = { $ref: "#/components/schemas/Node" };

test("types are said in words, with their bounds", () => {
  const fields = fieldsOf(small, node);
  assert.deepEqual(fields.map(({ name, type }) => [name, type]), [
    ["name", "text"], ["time", "time or null"], ["inner", "list of Node"], ["mode", "text"], ["limit", "whole number"],
  ]);
  assert.deepEqual(fields.map(({ about }) => about), ["", "When it is.", "", "Its mode.", ""]);
  assert.deepEqual(fields.map(({ presence }) => presence), ["always", "maybe", "maybe", "maybe", "maybe"]);
  assert.deepEqual(fields[3]!.notes, ["`live`, `off`"]);
  assert.deepEqual(fields[4]!.notes, ["0 to 9", "without it: `3`"]);
  assert.deepEqual(fields.map(({ inner }) => inner !== null), [false, false, true, false, false]);
  assert.equal(typeOf(small, {}), "anything");
  assert.equal(typeOf(small, { type: "object", additionalProperties: { type: ["integer", "null"] } }), "object of whole number or null");
});

test("of types of which there can be one, each is called by what tells it apart", () => {
  const fields = fieldsOf(small, { $ref: "#/components/schemas/Said" });
  assert.deepEqual(fields.map(({ name, presence }) => [name, presence]), [["type: came", "choice"], ["type: went", "choice"]]);
  assert.deepEqual(fieldsOf(small, fields[1]!.inner!).at(-1)!.name, "type");
});

test("a type that holds itself has an example, and an end", () => {
  const made = sample(small, node) as { name: string; time: string; limit: number; inner: { mode: string }[] };
  assert.deepEqual([made.name, made.time, made.limit, made.inner[0]!.mode], ["…", "2026-03-01T08:00:00Z", 3, "live"]);
  assert.equal(innerOf(small, { type: "array", items: node }), node);
});

const operation = (more: Partial<Operation>): Operation => ({
  id: "a_b", method: "GET", path: "/v1/a/{id}", summary: "Shows it.", about: "", role: "read", parameters: [], body: null, answers: [], problems: [], ...more,
});

test("a command for a shell means what it says, whatever stands in it", () => {
  const base = "http://127.0.0.1:7070/";
  assert.equal(curl(operation({}), base, false), "curl -sS 'http://127.0.0.1:7070/v1/a/ID'");
  const body = { type: "application/json", schema: {}, example: { text: "it's $HOME" } };
  const said = curl(operation({ method: "POST", body }), base, true);
  assert.equal(said, `curl -sS 'http://127.0.0.1:7070/v1/a/ID' \\
  -H "Authorization: Bearer $TRIPLINE_TOKEN" \\
  -H 'Content-Type: application/json' \\
  -d '{"text":"it'\\''s $HOME"}'`);
  const required = { name: "since", in: "query", required: true, schema: { $ref: "", examples: ["2026-03-01T08:00:00Z"] } };
  assert.match(curl(operation({ parameters: [required], role: null }), base, true), /ID\?since=2026-03-01T08:00:00Z'$/);
  const stream = { status: "200", about: "", media: { type: "text/event-stream", schema: {}, example: null } };
  assert.match(curl(operation({ answers: [stream] }), base, false), /^curl -sS -N '/);
  const socket = { status: "101", about: "", media: null };
  assert.match(curl(operation({ answers: [socket] }), base, false), /-N -i --http1\.1 .*\n.*Upgrade: websocket/);
});

test("lines of a paragraph are one; lists and paragraphs stay", () => {
  assert.equal(unwrapped("one\ntwo\n\nthree\n- four\n  - five\n1. six"), "one two\n\nthree\n- four\n  - five\n1. six");
});

const real = JSON.parse(readFileSync("../docs/openapi.json", "utf8")) as Document;

test("of the real document nothing is lost", () => {
  const sections = sectionsOf(real);
  const all = sections.flatMap(({ operations }) => operations);
  const written = Object.values(real.paths).flatMap((methods) => Object.values(methods)).map((one) => one.operationId);
  assert.deepEqual(all.map(({ id }) => id).sort(), written.sort());
  for (const one of all) {
    assert.ok(one.answers.length > 0, one.id);
    assert.ok(one.problems.every(({ means }) => means !== ""), one.id);
    assert.deepEqual(one.problems.filter(({ name }) => name === "").map(({ status }) => status), ["431"], one.id);
    assert.ok(!one.about.includes("Needs the role"), one.id);
    assert.doesNotMatch(curl(one, "http://localhost/", true), /[{]\w+[}]'|undefined|null'/, one.id);
    for (const { schema } of one.parameters) {
      assert.notEqual(typeOf(real, schema ?? {}), "anything", one.id);
      assert.ok(Array.isArray(notesOf(real, schema ?? {})));
    }
  }
  assert.deepEqual(filtered(sections, "silences END").flatMap(({ operations }) => operations.map(({ id }) => id)), ["silences_end"]);
  assert.deepEqual(filtered(sections, "no such thing"), []);
});
