// Types of the document of the API: in words, by their fields, and as an example.
import type { Document, Schema } from "../api/openapi";

export interface Field {
  name: string;
  type: string;
  /** Whether it is there: always, or not always; or it is one of several things that there can be. */
  presence: "always" | "maybe" | "choice";
  /** What else is said of it: words, bounds, what holds without it. */
  notes: string[];
  about: string;
  /** The type whose fields are worth showing, if there is one. */
  inner: Schema | null;
}

const PREFIX = "#/components/schemas/";
/** Types can hold themselves. */
const DEEPEST = 8;

/** The name of a type that has one. */
export function nameOf(schema: Schema): string | null {
  return schema.$ref?.startsWith(PREFIX) === true ? schema.$ref.slice(PREFIX.length) : null;
}

/** The type itself, behind a name, and without what is only said of it where it is used. */
export function resolve(document: Document, schema: Schema): Schema {
  const name = nameOf(schema);
  if (name !== null) return resolve(document, document.components.schemas[name] ?? {});
  const choices = choicesOf(schema);
  return choices.length === 1 && !isObject(schema) ? resolve(document, choices[0]!) : schema;
}

const isNull = (schema: Schema): boolean => schema.type === "null";
const isObject = (schema: Schema): boolean => schema.properties !== undefined;

/** What it can be one of, without nothing. */
function choicesOf(schema: Schema): Schema[] {
  return [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].filter((one) => !isNull(one));
}

/** What one says to a type: `list of texts or null`. */
export function typeOf(document: Document, schema: Schema): string {
  const words = [...new Set(kindsOf(document, schema))];
  return words.length === 0 ? "anything" : words.join(" or ");
}

function kindsOf(document: Document, schema: Schema): string[] {
  const name = nameOf(schema);
  if (name !== null) {
    const named = resolve(document, schema);
    return isObject(named) || choicesOf(named).length > 0 || named.allOf !== undefined ? [name] : kindsOf(document, named);
  }
  const all = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])];
  if (all.length > 0) return all.map((one) => typeOf(document, one)).sort((a, b) => Number(a === "null") - Number(b === "null"));
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  const types = schema.type === undefined ? [] : [schema.type].flat();
  return types.map((type) => {
    if (type === "array") return schema.items === undefined ? "list" : `list of ${typeOf(document, schema.items)}`;
    if (type === "object" && typeof schema.additionalProperties === "object") return `object of ${typeOf(document, schema.additionalProperties)}`;
    if (type === "string") return schema.format === "date-time" ? "time" : "text";
    return { integer: "whole number", boolean: "true or false" }[type] ?? type;
  });
}

/** What is said of a type beside its name. */
export function notesOf(document: Document, schema: Schema): string[] {
  const type = resolve(document, schema);
  const item = type.items === undefined ? null : resolve(document, type.items);
  const notes: string[] = [];
  const words = type.enum ?? item?.enum;
  if (words !== undefined) notes.push(words.filter((word) => word !== null).map((word) => `\`${String(word)}\``).join(", "));
  if (type.minimum !== undefined && type.maximum !== undefined) notes.push(`${type.minimum} to ${type.maximum}`);
  else if (type.minimum !== undefined && type.minimum !== 0) notes.push(`from ${type.minimum} on`);
  else if (type.maximum !== undefined) notes.push(`up to ${type.maximum}`);
  if (type.maxLength !== undefined) notes.push(`at most ${type.maxLength} letters`);
  if (type.maxItems !== undefined) notes.push(`at most ${type.maxItems} times`);
  const standard = schema.default ?? type.default;
  if (standard !== undefined && standard !== null && JSON.stringify(standard) !== "[]") notes.push(`without it: \`${JSON.stringify(standard)}\``);
  return notes;
}

/** The fields of a type, or the types that it can be one of. */
export function fieldsOf(document: Document, schema: Schema): Field[] {
  const type = resolve(document, schema);
  if (type.allOf !== undefined) return type.allOf.flatMap((one) => fieldsOf(document, one));
  const fields = Object.entries(type.properties ?? {}).map(([name, of]) => fieldOf(document, name, of, type.required?.includes(name) === true ? "always" : "maybe"));
  const choices = choicesOf(type);
  if (choices.length === 0) return fields;
  return [...fields, ...choices.map((one, index) => fieldOf(document, titleOf(document, one, index), one, "choice"))];
}

/** What to call one of several types: by what tells it apart, if something does. */
function titleOf(document: Document, schema: Schema, index: number): string {
  const parts = resolve(document, schema);
  const mark = [parts, ...(parts.allOf ?? [])].flatMap((one) => Object.entries(one.properties ?? {})).find(([, of]) => of.enum?.length === 1 || of.const !== undefined);
  if (mark !== undefined) return `${mark[0]}: ${String(mark[1].const ?? mark[1].enum?.[0])}`;
  return nameOf(schema) ?? `${index + 1}.`;
}

function fieldOf(document: Document, name: string, schema: Schema, presence: Field["presence"]): Field {
  // Of what may also be nothing, it is said at the type.
  const about = schema.description ?? choicesOf(schema)[0]?.description ?? resolve(document, schema).description ?? "";
  return { name, type: typeOf(document, schema), presence, notes: notesOf(document, schema), about, inner: innerOf(document, schema) };
}

/** The type with fields of its own that it is, holds, or is a list of. */
export function innerOf(document: Document, schema: Schema): Schema | null {
  const type = resolve(document, schema);
  if (type.items !== undefined) return innerOf(document, type.items);
  if (typeof type.additionalProperties === "object") return innerOf(document, type.additionalProperties);
  return isObject(type) || type.allOf !== undefined || choicesOf(type).length > 1 ? schema : null;
}

/** An example of a type: one that the document has, or one made of its fields. */
export function sample(document: Document, schema: Schema, depth = 0): unknown {
  const type = resolve(document, schema);
  const given = schema.examples?.[0] ?? type.examples?.[0] ?? type.const ?? type.enum?.[0];
  if (given !== undefined) return given;
  if (depth > DEEPEST) return null;
  if (type.allOf !== undefined) return Object.assign({}, ...type.allOf.map((one) => sample(document, one, depth + 1)));
  const choices = choicesOf(type);
  if (choices.length > 0) return sample(document, choices[0]!, depth + 1);
  const kind = [type.type].flat().find((one) => one !== "null");
  switch (kind) {
    case "object":
      return Object.fromEntries(Object.entries(type.properties ?? {}).map(([name, of]) => [name, sample(document, of, depth + 1)]));
    case "array":
      return type.items === undefined ? [] : [sample(document, type.items, depth + 1)];
    case "integer":
    case "number":
      return type.default ?? type.minimum ?? 0;
    case "boolean":
      return type.default ?? false;
    case "string":
      return type.default ?? "…";
    default:
      return null;
  }
}
