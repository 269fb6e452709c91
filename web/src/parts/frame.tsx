// The parts that every view is made of: headings, cards, and what stands there when there is nothing to show.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { Problem } from "../api/problem";
import type { Resource } from "./resource";
import { Icon } from "./icons";

interface ViewProps {
  title: string;
  /** What stands in the title of the window, if it is not the same. */
  name?: string;
  lead?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
}

export function View({ title, name, lead, actions, children }: ViewProps) {
  useEffect(() => {
    document.title = `${name ?? title} · Tripline`;
  }, [name, title]);
  return (
    <>
      <header class="view-head">
        <div class="view-title">
          <h1>{title}</h1>
          {lead !== undefined && <div class="lead">{lead}</div>}
        </div>
        {actions !== undefined && <div class="actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

interface CardProps {
  title?: ComponentChildren;
  aside?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}

export function Card({ title, aside, class: more = "", children }: CardProps) {
  return (
    <section class={`card ${more}`}>
      {title !== undefined && (
        <div class="card-head">
          <h2>{title}</h2>
          {aside !== undefined && <div class="card-aside">{aside}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

export function Loading({ lines = 3 }: { lines?: number }) {
  return (
    <div class="loading" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => (
        <div class={`bone bone-${index % 3}`} key={index} />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children !== undefined && <div class="empty-text">{children}</div>}
    </div>
  );
}

export function Failure({ problem, again }: { problem: Problem; again?: (() => void) | undefined }) {
  return (
    <div class="failure" role="alert">
      <Icon name="warning" />
      <div>
        <p class="failure-title">{titleOf(problem)}</p>
        <p>{problem.message}</p>
        {again !== undefined && (
          <button type="button" onClick={again}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}

function titleOf(problem: Problem): string {
  if (problem.isUnreachable) return "No connection to the service";
  if (problem.status === 403) return "You may not see this";
  if (problem.status === 404) return "Not found";
  return problem.status === 503 ? "The service is busy" : "This did not work";
}

/** Shows an answer, or that it is loading, or why it is not there. */
export function Show<T>({ of, lines, children }: { of: Resource<T>; lines?: number; children: (value: T) => ComponentChildren }) {
  if (of.value !== null) {
    return (
      <>
        {of.problem !== null && <p class="stale" role="status">Not up to date: {of.problem.message}</p>}
        {children(of.value)}
      </>
    );
  }
  if (of.problem !== null) return <Failure problem={of.problem} again={of.reload} />;
  return <Loading lines={lines ?? 3} />;
}

/** A name and a value. */
export function Fact({ name, children }: { name: ComponentChildren; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
