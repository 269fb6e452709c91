// The fields of a type of the API; those of the types inside are shown when they are asked for.
import { useState } from "preact/hooks";
import type { Document, Schema } from "../api/openapi";
import { fieldsOf, type Field } from "../lib/schema";
import { unwrapped } from "../lib/reference";
import { Prose } from "./words";

interface Side {
  document: Document;
  /** Whether the service says it: then it is worth saying what may be missing, otherwise what must not. */
  isAnswer?: boolean;
}

export function Fields({ schema, ...side }: Side & { schema: Schema }) {
  return <FieldList {...side} fields={fieldsOf(side.document, schema)} />;
}

export function FieldList({ fields, ...side }: Side & { fields: readonly Field[] }) {
  if (fields.length === 0) return null;
  return (
    <ul class="fields">
      {fields.map((field) => (
        <FieldRow key={field.name} {...side} field={field} />
      ))}
    </ul>
  );
}

function FieldRow({ field, ...side }: Side & { field: Field }) {
  const { name, type, presence, notes, about, inner } = field;
  return (
    <li>
      <p class="field-head">
        <code>{name}</code> <span class="dim">{type}</span>
        {presence === "always" && side.isAnswer !== true && <span class="must">required</span>}
        {presence === "maybe" && side.isAnswer === true && <span class="dim small">may be missing</span>}
      </p>
      <div class="field-about">
        {about !== "" && <Prose text={unwrapped(about)} />}
        {notes.map((one) => (
          <Prose key={one} text={one} />
        ))}
      </div>
      {inner !== null && <Inside {...side} schema={inner} name={name} />}
    </li>
  );
}

/** Types can hold themselves, so what is inside is made when it is looked at. */
function Inside({ schema, name, ...side }: Side & { schema: Schema; name: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="small dim">
        its fields<span class="hidden-text">: {name}</span>
      </summary>
      {isOpen && <Fields {...side} schema={schema} />}
    </details>
  );
}
