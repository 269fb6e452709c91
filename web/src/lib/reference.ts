// The document of the API put in order for people: operations by what they are about, each with all that there is to know.
import type { Content, Document, DocumentOperation, Parameter, Schema } from "../api/openapi";
import { sample } from "./schema";

export interface Section {
  name: string;
  about: string;
  operations: Operation[];
}

export interface Operation {
  id: string;
  method: string;
  path: string;
  summary: string;
  about: string;
  /** The role that it needs; null: everybody may use it. */
  role: string | null;
  parameters: Parameter[];
  body: Media | null;
  answers: Answer[];
  problems: ProblemKind[];
}

export interface Media {
  type: string;
  schema: Schema;
  example: unknown;
}

export interface Answer {
  status: string;
  about: string;
  media: Media | null;
}

export interface ProblemKind {
  status: string;
  /** What programs know it by; empty if it has no body. */
  name: string;
  means: string;
}

const PROBLEM = "application/problem+json";
const JSON_MEDIA = "application/json";
const EVENT_STREAM = "text/event-stream";

/** All operations, in the order of the document. */
export function sectionsOf(document: Document): Section[] {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ tag: operation.tags[0], operation: read(document, path, method, operation) })),
  );
  const sections = document.tags.map(({ name, description }) => ({
    name,
    about: description ?? "",
    operations: all.filter(({ tag }) => tag === name).map(({ operation }) => operation),
  }));
  return sections.filter(({ operations }) => operations.length > 0);
}

function read(document: Document, path: string, method: string, operation: DocumentOperation): Operation {
  const responses = Object.entries(operation.responses).map(([status, response]) => ({ status, ...response }));
  // Some are answered before there could be words for them.
  const isProblem = ({ status, content }: { status: string; content?: Content }): boolean =>
    content === undefined ? Number(status) >= 400 : content[PROBLEM] !== undefined;
  return {
    id: operation.operationId,
    method: method.toUpperCase(),
    path,
    summary: operation.summary ?? "",
    about: withoutRole(operation.description ?? ""),
    role: operation.security?.flatMap((way) => Object.values(way).flat())[0] ?? null,
    parameters: operation.parameters ?? [],
    body: mediaOf(document, operation.requestBody?.content),
    answers: responses.filter((one) => !isProblem(one)).map(({ status, description, content }) => ({ status, about: description, media: mediaOf(document, content) })),
    problems: responses.filter(isProblem).flatMap(({ status, description }) => problemsOf(status, description)),
  };
}

/** The role has a place of its own. */
function withoutRole(text: string): string {
  return text.split("\n\n").filter((part) => !/^Needs the role `\w+`\.$/.test(part)).join("\n\n");
}

function mediaOf(document: Document, content: Content | undefined): Media | null {
  const [type, media] = Object.entries(content ?? {})[0] ?? [];
  if (type === undefined) return null;
  const schema = media?.schema ?? {};
  return { type, schema, example: type === JSON_MEDIA ? sample(document, schema) : null };
}

/** Of a status that several kinds of problems have, each has a paragraph. */
function problemsOf(status: string, text: string): ProblemKind[] {
  return text.split("\n\n").map((part) => {
    const [, name, means] = /^`([\w-]+)`: ([^]*)$/.exec(part) ?? [];
    return { status, name: name ?? "", means: means ?? part };
  });
}

/** Those of which all words stand in the path, the summary or the name. */
export function filtered(sections: readonly Section[], text: string): Section[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const fits = ({ id, method, path, summary, role }: Operation): boolean => {
    const all = `${method} ${path} ${summary} ${id} ${role ?? ""}`.toLowerCase();
    return words.every((word) => all.includes(word));
  };
  const left = sections.map((section) => ({ ...section, operations: section.operations.filter(fits) }));
  return left.filter(({ operations }) => operations.length > 0);
}

/** How a shell asks it. `base` is the address of the service, with a `/` at its end. */
export function curl(operation: Operation, base: string, hasToken: boolean): string {
  const lines = [`curl ${flags(operation)}${quoted(addressOf(operation, base))}`];
  // The shell puts the token in, so that it stands in no list of commands.
  if (hasToken && operation.role !== null) lines.push(`-H "Authorization: Bearer $TRIPLINE_TOKEN"`);
  if (speaksWebSocket(operation)) {
    lines.push("-H 'Connection: Upgrade' -H 'Upgrade: websocket'", "-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dHJpcGxpbmUgYXQgd29yaw=='");
  }
  if (operation.body !== null) {
    lines.push(`-H 'Content-Type: ${operation.body.type}'`);
    const { example } = operation.body;
    lines.push(`-d ${quoted(typeof example === "string" ? example : JSON.stringify(example))}`);
  }
  return lines.join(" \\\n  ");
}

const speaksWebSocket = ({ answers }: Operation): boolean => answers.some(({ status }) => status === "101");

function flags(operation: Operation): string {
  const isEndless = operation.answers.some(({ media }) => media?.type === EVENT_STREAM) || speaksWebSocket(operation);
  const method = operation.method === "GET" || (operation.method === "POST" && operation.body !== null) ? "" : `-X ${operation.method} `;
  return `${isEndless ? "-sS -N " : "-sS "}${speaksWebSocket(operation) ? "-i --http1.1 " : ""}${method}`;
}

function addressOf({ path, parameters }: Operation, base: string): string {
  const named = (name: string): string => name.toUpperCase();
  const query = parameters.filter((one) => one.in === "query" && one.required === true);
  const values = query.map(({ name, schema }) => `${name}=${encodeURIComponent(exampleOf(schema) ?? named(name)).replaceAll("%3A", ":")}`);
  const place = path.replace(/^\//, "").replace(/\{(\w+)\}/g, (_, name: string) => named(name));
  return `${base}${place}${values.length === 0 ? "" : `?${values.join("&")}`}`;
}

function exampleOf(schema: Schema | undefined): string | null {
  const example = schema?.examples?.[0] ?? schema?.default ?? schema?.minimum;
  return example === undefined || example === null ? null : String(example);
}

/** For a shell, whatever stands in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Lines of a paragraph in one, as a text in the source is cut where it likes. */
export function unwrapped(text: string): string {
  return text.replace(/([^\n])\n(?!\n|\s*(?:-|\d+\.) )/g, "$1 ");
}
