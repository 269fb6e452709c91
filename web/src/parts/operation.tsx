// An operation of the API: what it takes, what it answers, and how a shell asks it.
import type { ComponentChildren } from "preact";
import type { Document } from "../api/openapi";
import { curl, unwrapped, type Answer, type Media, type Operation, type ProblemKind } from "../lib/reference";
import { innerOf, notesOf, typeOf, type Field } from "../lib/schema";
import { Json } from "./code";
import { copy } from "./copy";
import { FieldList, Fields } from "./fields";
import { Icon } from "./icons";
import { Prose } from "./words";

interface OperationProps {
  document: Document;
  operation: Operation;
  /** The address of the service. */
  base: string;
  hasToken: boolean;
  isOpen: boolean;
  onToggle: (isOpen: boolean) => void;
}

export function OperationCard({ document, operation, base, hasToken, isOpen, onToggle }: OperationProps) {
  const { id, method, path, summary, role } = operation;
  return (
    <details class="operation card" id={id} open={isOpen} onToggle={(event) => onToggle(event.currentTarget.open)}>
      <summary>
        <Icon name="next" size={14} />
        <Method method={method} />
        <code class="path">{path}</code>
        <span class="operation-summary">{summary}</span>
        <span class="role">{role ?? "open to all"}</span>
      </summary>
      {/* It is in the page when it is closed, too, so that browsers find words in it. */}
      <div class="operation-body">
        <div class="stack">
          <About operation={operation} />
          <Parameters document={document} operation={operation} />
          {operation.body !== null && (
            <Part title="Body">
              <p class="dim small">{operation.body.type}</p>
              <Fields document={document} schema={operation.body.schema} />
            </Part>
          )}
          <Part title="Answers">
            {operation.answers.map((answer) => (
              <AnswerView key={answer.status} document={document} answer={answer} />
            ))}
          </Part>
          <Problems problems={operation.problems} />
        </div>
        <div class="stack">
          <Shell text={curl(operation, base, hasToken)} />
          <Example title="Body, for example" media={operation.body} />
          <Example title="Answer, for example" media={operation.answers.find(({ media }) => media?.example != null)?.media ?? null} />
        </div>
      </div>
    </details>
  );
}

export function Method({ method }: { method: string }) {
  return <span class={`method ${method.toLowerCase()}`}>{method}</span>;
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function About({ operation: { about, role, id } }: { operation: Operation }) {
  return (
    <div class="operation-about">
      <Prose text={unwrapped(about)} />
      <p class="small">
        <span class="dim">{role === null ? "Open to all, also without a token." : <>Needs the role <b>{role}</b>.</>}</span>
        <a href={`#${id}`} aria-label={`Link to ${id}`}>
          <Icon name="link" size={14} />
        </a>
      </p>
    </div>
  );
}

const PLACES: Record<string, string> = { path: "in the path", query: "behind the ?", header: "a header" };

function Parameters({ document, operation }: { document: Document; operation: Operation }) {
  if (operation.parameters.length === 0) return null;
  const fields = operation.parameters.map(({ name, in: place, description, required, schema = {} }): Field => ({
    name,
    type: `${typeOf(document, schema)}, ${PLACES[place] ?? place}`,
    presence: required === true ? "always" : "maybe",
    notes: notesOf(document, schema),
    about: description ?? "",
    inner: innerOf(document, schema),
  }));
  return (
    <Part title="Parameters">
      <FieldList document={document} fields={fields} />
    </Part>
  );
}

function AnswerView({ document, answer: { status, about, media } }: { document: Document; answer: Answer }) {
  return (
    <div class="answer">
      <p class="field-head">
        <b>{status}</b> {media !== null && <span class="dim">{media.type}, {typeOf(document, media.schema)}</span>}
      </p>
      <div class="field-about">
        <Prose text={unwrapped(about)} />
      </div>
      {media !== null && <Fields document={document} schema={media.schema} isAnswer />}
    </div>
  );
}

function Problems({ problems }: { problems: readonly ProblemKind[] }) {
  if (problems.length === 0) return null;
  return (
    <Part title="Problems">
      <ul class="problems">
        {problems.map(({ status, name, means }) => (
          <li key={`${status}${name}`}>
            <b>{status}</b>
            <code>{name}</code>
            <span class="dim">{means}</span>
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Shell({ text }: { text: string }) {
  return (
    <section>
      <div class="example-head">
        <h3>In a shell</h3>
        <button type="button" class="small" onClick={() => void copy(text)}>
          Copy
        </button>
      </div>
      <pre class="shell-line scroll" tabIndex={0} role="group" aria-label="Command">
        <code>{text}</code>
      </pre>
    </section>
  );
}

function Example({ title, media }: { title: string; media: Media | null }) {
  if (media === null || media.example === null) return null;
  return (
    <Part title={title}>
      <Json value={media.example} label={title} />
    </Part>
  );
}
