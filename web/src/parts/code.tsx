// Text in colours: rules, configuration, JSON.
import { useMemo } from "preact/hooks";
import type { Diagnostic, Token } from "../api/types";
import { inText, pieces, type Piece } from "../lib/tokens";

/** A rule with tokens as the service gives them; `line` is that of its file on which the rule begins, behind its comments. */
export function Code({ text, tokens, line }: { text: string; tokens: readonly Token[]; line: number }) {
  const all = useMemo(() => pieces(text, inText(tokens, text)), [text, tokens]);
  const above = text.slice(0, Math.max(0, text.search(/^rule\b/m))).split("\n").length - 1;
  const first = Math.max(1, line - above);
  const lines = text.replace(/\n$/, "").split("\n").length;
  return (
    <div class="code-block scroll" tabIndex={0} role="region" aria-label="Text of the rule">
      <pre class="line-numbers" aria-hidden="true">
        {Array.from({ length: lines }, (_, index) => first + index).join("\n")}
      </pre>
      <pre>
        <code>
          <Pieces all={all} />
        </code>
      </pre>
    </div>
  );
}

export function Pieces({ all, marks = [] }: { all: readonly Piece[]; marks?: readonly Mark[] }) {
  return (
    <>
      {all.map((piece) => {
        const mark = marks.find((one) => piece.start < one.end && piece.start + piece.text.length > one.start);
        const name = [piece.kind === "" ? "" : `t-${piece.kind}`, mark === undefined ? "" : `squiggle ${mark.severity}`].join(" ").trim();
        return name === "" ? piece.text : <span class={name}>{piece.text}</span>;
      })}
    </>
  );
}

/** A stretch of the text that something is said of; places in the text of JavaScript. */
export interface Mark {
  start: number;
  end: number;
  severity: Diagnostic["severity"];
}

/** What stands for a kind of token, and the kind. */
type Shape = readonly (readonly [RegExp, string])[];

const TOML: Shape = [
  [/#.*/, "comment"],
  [/\[\[?[\w.-]+\]\]?/, "keyword"],
  [/"(?:\\.|[^"\\])*"/, "string"],
  [/\b(?:true|false)\b/, "keyword"],
  [/\b\d[\d.]*\w*\b/, "number"],
];
const JSON_SHAPE: Shape = [
  [/"(?:\\.|[^"\\])*"(?=:)/, "function"],
  [/"(?:\\.|[^"\\])*"/, "string"],
  [/\b(?:true|false|null)\b/, "keyword"],
  [/-?\b\d[\d.eE+-]*\b/, "number"],
];

/** Text in colours, as far as kinds of tokens are easily told. */
function coloured(text: string, shape: Shape): Piece[] {
  const all: Piece[] = [];
  let done = 0;
  for (const match of text.matchAll(new RegExp(shape.map(([one]) => `(${one.source})`).join("|"), "g"))) {
    const kind = shape[match.slice(1).findIndex((group) => group !== undefined)]?.[1] ?? "";
    if (match.index > done) all.push({ text: text.slice(done, match.index), kind: "", start: done });
    all.push({ text: match[0], kind, start: match.index });
    done = match.index + match[0].length;
  }
  all.push({ text: text.slice(done), kind: "", start: done });
  return all;
}

export function Toml({ text }: { text: string }) {
  return <Block all={coloured(text, TOML)} label="Configuration" />;
}

export function Json({ value, label }: { value: unknown; label: string }) {
  return <Block all={coloured(JSON.stringify(value, null, 2), JSON_SHAPE)} label={label} />;
}

function Block({ all, label }: { all: readonly Piece[]; label: string }) {
  return (
    <div class="code-block scroll" tabIndex={0} role="group" aria-label={label}>
      <pre>
        <code>
          <Pieces all={all} />
        </code>
      </pre>
    </div>
  );
}
