// The rules of the repository as the made-up service needs them, and a rough likeness of what the language server does.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const rules = join(dirname(fileURLToPath(import.meta.url)), "../../rules");

const WORDS = {
  keyword:
    /^(?:about|alert|and|any|as|at|by|consecutive|count|data|else|event|every|for|from|in|is|last|late|lazy|let|limit|list|match|max|missing|next|not|of|on|or|overlap|none|present|resume|rule|runbook|runs|stream|table|tags|then|timeout|to|until|where|within|idle|time|key|import|rename)\b/,
  type: /^(?:string|float|int|bool|ip|timestamp|duration)\b\??/,
};
const SHAPES = [
  ["comment", /^#[^\n]*/],
  ["string", /^"(?:\\.|[^"\\\n])*"?/],
  ["duration", /^\d+(?:\.\d+)?(?:ms|s|m|h|d)(?:\d+(?:ms|s|m|h))*\b/],
  ["number", /^\d+(?:\.\d+)?/],
  ["type", WORDS.type],
  ["keyword", WORDS.keyword],
  ["function", /^[a-z_]+(?=\()/],
  ["name", /^[A-Za-z_][A-Za-z0-9_]*/],
  ["operator", /^(?:==|!=|<=|>=|\?\?|[-+*/<>=.,(){}[\]?])/],
];

export function tokensOf(text) {
  const tokens = [];
  const events = new Set([...text.matchAll(/\bevent\s+(\w+)/g)].map((match) => match[1]));
  let [place, bytes] = [0, 0];
  const encoder = new TextEncoder();
  while (place < text.length) {
    const rest = text.slice(place);
    const found = SHAPES.map(([kind, shape]) => [kind, shape.exec(rest)?.[0]]).find(([, match]) => match);
    const piece = found?.[1] ?? rest[0];
    const size = encoder.encode(piece).length;
    if (found) {
      const kind = found[0] === "name" && events.has(piece) ? "event" : found[0];
      tokens.push({ start: bytes, end: bytes + size, kind });
    }
    place += piece.length;
    bytes += size;
  }
  return tokens;
}

/** Mistakes that are easily seen: unknown names of streams, an unclosed brace, `within 10 minutes`. */
export function diagnosticsOf(text, streams) {
  const found = [];
  const note = (start, end, code, message, help, severity = "error") => {
    const before = text.slice(0, start).split("\n");
    const to = text.slice(0, end).split("\n");
    found.push({
      severity, code, message, label: "", help: help === null ? [] : [help], file: null,
      line: before.length, column: before.at(-1).length + 1, end_line: to.length, end_column: to.at(-1).length + 1,
      start: Buffer.byteLength(text.slice(0, start)), end: Buffer.byteLength(text.slice(0, end)),
    });
  };
  for (const match of text.matchAll(/\bevent\s+\w+\s*=\s*(\w+)/g)) {
    if (!streams.includes(match[1])) {
      const near = streams.find((name) => name.startsWith(match[1].slice(0, 4)));
      const start = match.index + match[0].length - match[1].length;
      note(start, start + match[1].length, "E0201", `there is no stream \`${match[1]}\``, near ? `did you mean \`${near}\`?` : null);
    }
  }
  for (const match of text.matchAll(/within\s+(\d+ (?:minutes|hours|seconds))/g)) {
    const start = match.index + match[0].indexOf(match[1]);
    note(start, start + match[1].length, "E0107", "a duration is written without a space", `write \`${match[1].replace(/ (\w).*/, "$1")}\``);
  }
  const events = new Set([...text.matchAll(/\bevent\s+(\w+)/g)].map((match) => match[1]));
  const pattern = /\bmatch\b([^]*?)(?:within|overlap|alert|$)/.exec(text)?.[1] ?? "";
  for (const name of events) {
    if (!new RegExp(`\\b${name}\\b`).test(pattern)) {
      const start = text.search(new RegExp(`\\bevent\\s+${name}\\b`)) + "event ".length;
      note(start, start + name.length, "W0301", `\`${name}\` is defined but not used in the pattern`, null, "warning");
    }
  }
  const open = (text.match(/\{/g) ?? []).length - (text.match(/\}/g) ?? []).length;
  if (open > 0 && /\brule\b/.test(text)) note(text.length - 1, text.length, "E0102", "expected `}`, found the end of the text", "close the rule");
  return found;
}

/** Each rule with what its text says. */
export function readRules() {
  const found = [];
  for (const folder of ["fraud", "operations", "security"]) {
    for (const file of readdirSync(join(rules, folder)).sort()) {
      if (!file.endsWith(".trip") || file.endsWith(".test.trip") || file === "streams.trip") continue;
      const text = readFileSync(join(rules, folder, file), "utf8");
      const line = text.slice(0, text.search(/^rule /m)).split("\n").length;
      const one = (shape) => shape.exec(text)?.[1];
      found.push({
        name: one(/^rule (\w+)/m),
        about: one(/^\s+about "([^"]+)"/m) ?? null,
        severity: one(/\balert (info|low|medium|high|critical)/),
        tags: one(/^\s+tags ([^\n]+)/m)?.split(/,\s*/) ?? [],
        runbook: one(/^\s+runbook "([^"]+)"/m) ?? null,
        file: `${folder}/${file}`,
        line,
        key: (one(/^\s+by ([^\n]+)/m) ?? "").split(" = ")[0].split(", ").map((part) => (part.includes(".") ? part.split(".")[1] : part)),
        streams: [...new Set([...text.matchAll(/\bevent\s+\w+\s*=\s*(\w+)/g)].map((match) => match[1]))],
        text,
      });
    }
  }
  return found;
}

export function readStreams() {
  const found = [];
  for (const folder of ["fraud", "operations", "security"]) {
    const text = readFileSync(join(rules, folder, "streams.trip"), "utf8");
    for (const [, name, body] of text.matchAll(/^stream (\w+) time \w+[^{]*\{([^}]*)\}/gm)) {
      const fields = body.split("\n").map((line) => /^\s*(\w+)\s+(\w+)(?:\([^)]*\))?(\?)?/.exec(line)).filter(Boolean);
      found.push({
        name, alerts_of: null, sources: [name === "sensor_readings" ? "sensors" : name],
        fields: fields.map(([, field, type, optional]) => ({ name: field, type, optional: optional === "?" })),
      });
    }
  }
  return found;
}
