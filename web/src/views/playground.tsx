// A rule tried on events before it is deployed: what is wrong with it, what it finds, and why not.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, part, post } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import type { OfEvent, PlayAlert, AlertDetail, Diagnostic, Play, Rule, RuleDetail, Stream, Token, Validation } from "../api/types";
import { keyText, plural } from "../lib/format";
import { readEvents, writeEvents } from "../lib/play";
import { afterEdit, inText, pieces } from "../lib/tokens";
import { note } from "../parts/act";
import { Pieces, type Mark } from "../parts/code";
import { Editor } from "../parts/editor";
import { Card, Empty, Failure, Loading, View } from "../parts/frame";
import { Icon } from "../parts/icons";
import { place } from "../parts/place";
import { useResource } from "../parts/resource";
import { KIND_WORDS, SeverityTag } from "../parts/severity";
import { TimelinePicture } from "../parts/timeline";
import { PartialMatchCard } from "./key";

const DRAFT = "tripline.playground";
const QUIET_MS = 300;

interface Draft {
  text: string;
  events: string;
  stream: string;
}

const FIRST: Draft = {
  text: `rule my_rule {
  about "Several tiny charges on one card, then a large one"

  by card

  event tiny = card_auths where amount < 2
  event big  = card_auths where approved and amount >= 200

  match 3+ tiny then big within 10m
  overlap none

  alert critical "Card {card}: {count(tiny)} tiny charges, then {big.amount}"
}
`,
  events: "",
  stream: "",
};

function keptDraft(): Draft {
  try {
    return { ...FIRST, ...(JSON.parse(sessionStorage.getItem(DRAFT) ?? "{}") as Partial<Draft>) };
  } catch {
    return FIRST;
  }
}

export function PlaygroundView() {
  const [draft, setDraft] = useState(keptDraft);
  const [run, setRun] = useState<Play | null>(null);
  const [opened, setOpened] = useState(0);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isRunning, setRunning] = useState(false);
  const { params } = place.value;
  const streams = useResource((signal) => get<{ streams: Stream[] }>("streams", {}, signal), []);
  const rules = useResource((signal) => get<{ rules: Rule[] }>("rules", {}, signal), []);
  const checked = useChecked(draft.text);
  const events = useMemo(() => readEvents(draft.events, draft.stream), [draft.events, draft.stream]);
  const set = (change: Partial<Draft>): void => setDraft((old) => ({ ...old, ...change }));
  useEffect(() => {
    try {
      sessionStorage.setItem(DRAFT, JSON.stringify(draft));
    } catch {
      // Then it lasts until the page is left.
    }
  }, [draft]);
  const play = async (): Promise<void> => {
    setRunning(true);
    try {
      const answer = await post<Play>("playground", { text: draft.text, events: events.events });
      setRun(answer);
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
    setRunning(false);
  };
  const show = (change: Partial<Draft>): void => {
    set(change);
    setRun(null);
    setOpened((number) => number + 1);
  };
  useOpened(params, show);
  return (
    <View
      title="Playground"
      lead="Try a rule on events. Nothing here touches what runs."
      actions={
        <>
          <OpenRule rules={rules.value?.rules ?? []} onOpen={(text) => show({ text })} />
          <button type="button" class="primary" disabled={isRunning} onClick={() => void play()} title="Ctrl+Enter">
            <Icon name="play" size={15} /> {isRunning ? "Running…" : "Run"}
          </button>
        </>
      }
    >
      <div class="columns">
        <div class="stack">
          <RuleEditor draft={draft} opened={opened} checked={checked} onText={(text) => set({ text })} onRun={() => void play()} />
          <EventsEditor draft={draft} events={events} streams={streams.value?.streams ?? []} set={set} onRun={() => void play()} />
        </div>
        <div class="stack" aria-live="polite">
          {problem !== null && <Failure problem={problem} />}
          {isRunning && run === null && <Card title="What comes of it"><Loading /></Card>}
          {run === null ? !isRunning && <Waiting count={events.events.length} /> : <Result play={run} lines={events.lines} />}
        </div>
      </div>
    </View>
  );
}

/** What the address says to begin with: a rule, or an alert with its rule. */
function useOpened(params: URLSearchParams, show: (change: Partial<Draft>) => void): void {
  const [rule, alert] = [params.get("rule"), params.get("alert")];
  useEffect(() => {
    const open = async (): Promise<void> => {
      try {
        const detail = alert === null ? null : await get<AlertDetail>(`alerts/${part(alert)}`);
        const { text } = await get<RuleDetail>(`rules/${part(detail?.alert.rule ?? rule ?? "")}`);
        show(detail === null ? { text } : { text, events: writeEvents(detail.captured), stream: "" });
      } catch (error) {
        note(asProblem(error).message, true);
      }
    };
    if (rule !== null || alert !== null) void open();
  }, [rule, alert]);
}

function OpenRule({ rules, onOpen }: { rules: Rule[]; onOpen: (text: string) => void }) {
  const open = async (name: string): Promise<void> => {
    if (name === "") return;
    try {
      onOpen((await get<RuleDetail>(`rules/${part(name)}`)).text);
    } catch (error) {
      note(asProblem(error).message, true);
    }
  };
  return (
    <select aria-label="Begin with a rule" value="" onChange={(event) => void open(event.currentTarget.value)}>
      <option value="">begin with a rule…</option>
      {rules.map(({ name }) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

interface Checked {
  /** Of the text as it is now, as far as known; places in the text. */
  tokens: Token[];
  diagnostics: Diagnostic[];
  isNew: boolean;
}

/** What the service says of a text, a moment after the last letter; colours follow at once. */
function useChecked(text: string): Checked {
  const [known, setKnown] = useState<{ text: string; tokens: Token[]; diagnostics: Diagnostic[] }>({ text: "", tokens: [], diagnostics: [] });
  const last = useRef({ text: "", tokens: [] as Token[] });
  if (last.current.text !== text) last.current = { text, tokens: afterEdit(last.current.tokens, last.current.text, text) };
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const answer = await post<Validation>("rules/validate", { text, whole: false }, stop.signal);
        const tokens = inText(answer.tokens, text);
        last.current = { text, tokens };
        setKnown({ text, tokens, diagnostics: inPlace(answer.diagnostics, text) });
      } catch (error) {
        const problem = asProblem(error);
        if (!stop.signal.aborted && !problem.isUnreachable) note(problem.message, true);
      }
    }, QUIET_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text]);
  const isNew = known.text === text;
  return { tokens: isNew ? known.tokens : last.current.tokens, diagnostics: known.diagnostics, isNew };
}

/** Diagnostics with places in the text instead of bytes. */
function inPlace(diagnostics: readonly Diagnostic[], text: string): Diagnostic[] {
  return diagnostics.map((one) => {
    if (one.file !== null) return one;
    const [place] = inText([{ start: one.start, end: one.end, kind: "" }], text);
    return { ...one, start: place!.start, end: Math.max(place!.end, place!.start + 1) };
  });
}

function RuleEditor({ draft, opened, checked, onText, onRun }: { draft: Draft; opened: number; checked: Checked; onText: (text: string) => void; onRun: () => void }) {
  const [jump, setJump] = useState<{ at: number; number: number } | null>(null);
  const here = checked.diagnostics.filter((one) => one.file === null);
  const marks: Mark[] = checked.isNew ? here : [];
  const all = useMemo(() => pieces(draft.text, checked.tokens), [draft.text, checked.tokens]);
  const split = useMemo(() => all.flatMap((piece) => splitAt(piece, marks)), [all, marks]);
  const wrong = new Set(checked.isNew ? here.map((one) => one.line) : []);
  // Below the remarks that a file of rules begins with.
  const top = draft.text.slice(0, Math.max(0, draft.text.search(/^rule\b/m))).split("\n").length;
  const errors = checked.diagnostics.filter((one) => one.severity === "error").length;
  const words = checked.diagnostics.length === 0 ? "no mistakes" : errors === 0 ? plural(checked.diagnostics.length, "warning") : plural(errors, "mistake");
  return (
    <Card title="Rule" aside={<span class={errors > 0 ? "bad" : undefined}>{words}</span>}>
      <Editor label="Text of the rule" value={draft.text} rows={22} wrong={wrong} top={top} opened={opened} onInput={onText} onRun={onRun} jump={jump}>
        <Pieces all={split} marks={marks} />
      </Editor>
      {checked.diagnostics.length > 0 && (
        <ul class="diagnostics" aria-label="Mistakes and warnings">
          {checked.diagnostics.map((one, index) => (
            <li key={index} class={one.severity}>
              <button type="button" class="bare" disabled={one.file !== null} onClick={() => setJump({ at: one.start, number: Date.now() })}>
                <span class="diagnostic-place">
                  {one.file !== null && `${one.file}:`}
                  {one.line}:{one.column}
                </span>
                <span class="diagnostic-word">{one.severity}</span>
                <span class="diagnostic-text">
                  {one.message}
                  {one.label !== "" && <span>: {one.label}</span>}
                  {one.help.map((help) => (
                    <span class="dim" key={help}>
                      {" "}
                      – {help}
                    </span>
                  ))} <code class="dim">{one.code}</code>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

/** A piece cut where marks begin and end, so that a mark underlines no more than its stretch. */
function splitAt(piece: { text: string; kind: string; start: number }, marks: readonly Mark[]): typeof piece[] {
  const end = piece.start + piece.text.length;
  const cuts = marks.flatMap((mark) => [mark.start, mark.end]).filter((at) => at > piece.start && at < end);
  const places = [piece.start, ...new Set(cuts.sort((one, other) => one - other)), end];
  return places.slice(1).map((to, index) => ({ ...piece, start: places[index]!, text: piece.text.slice(places[index]! - piece.start, to - piece.start) }));
}

interface EventsProps {
  draft: Draft;
  events: ReturnType<typeof readEvents>;
  streams: Stream[];
  set: (change: Partial<Draft>) => void;
  onRun: () => void;
}

function EventsEditor({ draft, events, streams, set, onRun }: EventsProps) {
  const aside = (
    <label class="inline">
      <span>plain records are of</span>
      <select class="small" value={draft.stream} aria-label="Stream of plain records" onChange={(event) => set({ stream: event.currentTarget.value })}>
        <option value="">no stream</option>
        {streams.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
  const all = useMemo(() => jsonPieces(draft.events), [draft.events]);
  return (
    <Card title={`Events${events.events.length > 0 ? `: ${events.events.length}` : ""}`} aside={aside}>
      <Editor label="Events, one JSON object in each line" value={draft.events} rows={12} wrong={new Set(events.problems.map((one) => one.line))} onInput={(text) => set({ events: text })} onRun={onRun}>
        <Pieces all={all} />
      </Editor>
      {draft.events === "" && (
        <p class="picture-note small dim">
          One event in each line: <code>{'{"stream": "card_auths", "record": {…}}'}</code>, or open an alert in the playground.
        </p>
      )}
      {events.problems.length > 0 && (
        <ul class="diagnostics">
          {events.problems.slice(0, 5).map((one) => (
            <li key={one.line} class="error">
              <p>
                <span class="diagnostic-place">line {one.line}</span>
                <span class="diagnostic-text">{one.why}</span>
              </p>
            </li>
          ))}
          {events.problems.length > 5 && <li class="dim small">and {plural(events.problems.length - 5, "more line")}</li>}
        </ul>
      )}
    </Card>
  );
}

const JSON_SHAPES = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\b\d[\d.eE+-]*|^\s*(?:#|\/\/).*$/gm;
/** Longer texts are shown without colours, so that typing stays quick. */
const MOST_COLOURED = 60_000;

function jsonPieces(text: string): { text: string; kind: string; start: number }[] {
  if (text.length > MOST_COLOURED) return [{ text, kind: "", start: 0 }];
  const tokens = [...text.matchAll(JSON_SHAPES)].map((match): Token => {
    const [whole, string, colon] = match;
    const kind = string === undefined ? (/^[tfn]/.test(whole) ? "keyword" : /^\s*[#/]/.test(whole) ? "comment" : "number") : colon === undefined ? "string" : "function";
    return { start: match.index, end: match.index + (string ?? whole).length, kind };
  });
  return pieces(text, tokens);
}

function Waiting({ count }: { count: number }) {
  return (
    <Card title="What comes of it">
      <Empty title={count === 0 ? "No events yet" : `${plural(count, "event")} to try it on`}>
        {count === 0 ? "Paste events on the left, or open an alert in the playground." : "Press Run, or Ctrl+Enter."}
      </Empty>
    </Card>
  );
}

function Result({ play, lines }: { play: Play; lines: number[] }) {
  const errors = play.diagnostics.filter((one) => one.severity === "error");
  if (errors.length > 0) {
    return (
      <Card title="What comes of it">
        <Empty title="The rule has mistakes">Mend {plural(errors.length, "mistake")} on the left, then run it again.</Empty>
      </Card>
    );
  }
  return (
    <>
      <Card title={play.alerts.length === 0 ? "No match" : plural(play.alerts.length, "match", "matches")}>
        {play.alerts.length === 0 && <Empty title="The rule does not match these events">Below stands how far it came and what was missing.</Empty>}
        {play.alerts.map((alert) => (
          <Found key={alert.alert.id} found={alert} />
        ))}
        {play.alerts_left_out > 0 && <p class="dim">and {plural(play.alerts_left_out, "more alert")}</p>}
        {play.gave_up && <p class="bad">This took too long and was given up: what stands here is not the whole. Try fewer events.</p>}
      </Card>
      {play.why_not.length > 0 && (
        <Card title="Why not" aside="times count from the earliest event">
          {play.why_not.map((one, index) => (
            <div key={index} class="why-not">
              <h3>{one.rule}</h3>
              <p class="words">{one.text}</p>
              <EventNotes notes={one.events} lines={lines} />
            </div>
          ))}
        </Card>
      )}
      {play.partial_matches.length > 0 && (
        <Card title="Still in the middle" aside={plural(play.partial_matches.length, "partial match", "partial matches")}>
          <ul class="matches">
            {play.partial_matches.map((match, index) => (
              <PartialMatchCard key={index} match={match} eventTime={null} withKey />
            ))}
          </ul>
        </Card>
      )}
      {play.rejected.length > 0 && (
        <Card title="Not taken" aside={plural(play.rejected.length, "record")}>
          <EventNotes notes={play.rejected} lines={lines} wrong />
        </Card>
      )}
    </>
  );
}

/** What is said of single events, by the lines on which they stand. */
function EventNotes({ notes, lines, wrong = false }: { notes: OfEvent[]; lines: number[]; wrong?: boolean }) {
  if (notes.length === 0) return null;
  return (
    <ul class="diagnostics">
      {notes.map((one, index) => (
        <li key={index} class={wrong ? "error" : undefined}>
          <p>
            <span class="diagnostic-place">line {lines[one.index] ?? one.index + 1}</span>
            <span class="diagnostic-text">{one.why}</span>
          </p>
        </li>
      ))}
    </ul>
  );
}

function Found({ found }: { found: PlayAlert }) {
  const { alert } = found;
  const input = useMemo(
    () => ({
      captured: found.captured, steps: found.steps, withinSeconds: found.within_seconds,
      firstTime: alert.first_time, lastTime: alert.last_time, decidedTime: alert.decided_time, kind: alert.kind,
    }),
    [found],
  );
  return (
    <article class="found">
      <div class="found-head">
        <SeverityTag severity={alert.severity} />
        <b class="wrap">{alert.title}</b>
        <span class="dim small">
          {alert.rule}, {keyText(alert.key)}
          {alert.kind !== "match" && `, ${KIND_WORDS[alert.kind]}`}
          {found.if_nothing_comes && ", if nothing else comes"}
        </span>
      </div>
      {input.captured.length > 0 && <TimelinePicture input={input} />}
    </article>
  );
}
