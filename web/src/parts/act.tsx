// Buttons that change something: shown also to those who may not press them, who read which role it needs.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem } from "../api/problem";
import { may, me } from "../api/session";
import type { Role } from "../api/types";
import { remember, remembered } from "../lib/theme";
import { Icon } from "./icons";

interface Note {
  number: number;
  text: string;
  isError: boolean;
}

const notes = signal<Note[]>([]);
let noteNumber = 0;
const NOTE_MS = 6_000;

/** Says for a moment what was done, or why not. */
export function note(text: string, isError = false): void {
  const number = ++noteNumber;
  notes.value = [...notes.value.slice(-3), { number, text, isError }];
  setTimeout(() => (notes.value = notes.value.filter((one) => one.number !== number)), isError ? 2 * NOTE_MS : NOTE_MS);
}

export function Notes() {
  return (
    <div class="notes" role="status" aria-live="polite">
      {notes.value.map(({ number, text, isError }) => (
        <p class={isError ? "note error" : "note"} key={number}>
          {text}
        </p>
      ))}
    </div>
  );
}

/** Does something and says how it went. */
export async function attempt(what: string, act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    note(what);
    return true;
  } catch (error) {
    note(asProblem(error).message, true);
    return false;
  }
}

interface ActProps {
  role: Role;
  onClick: () => void;
  kind?: "plain" | "primary" | "danger";
  disabled?: boolean;
  children: ComponentChildren;
}

export function Act({ role, onClick, kind = "plain", disabled = false, children }: ActProps) {
  const isAllowed = may(role);
  const why = isAllowed ? undefined : `This needs the role ${role}; you have ${me.value?.role ?? "none"}.`;
  return (
    <button
      type="button"
      class={kind}
      aria-disabled={!isAllowed || disabled}
      disabled={disabled}
      title={why}
      onClick={() => (isAllowed ? onClick() : note(why!, true))}
    >
      {!isAllowed && <Icon name="lock" size={14} />}
      {children}
    </button>
  );
}

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    // The first thing to do is rarely to close it.
    dialog.current?.querySelector<HTMLElement>("form input, form textarea, form button[type=submit]")?.focus();
  }, []);
  return (
    <dialog ref={dialog} aria-label={title} onClose={onClose} onClick={(event) => event.target === dialog.current && onClose()}>
      <div class="dialog-body">
        <div class="dialog-head">
          <h2>{title}</h2>
          <button type="button" class="bare" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  /** What the button says that does it. */
  verb: string;
  danger?: boolean;
  /** Whether a name and a comment are asked for. */
  comment?: boolean;
  /** Whether the service begins anew with it, which loses what was begun if it keeps no state. */
  isRenewal?: boolean;
  onDone: () => void;
  act: (by: string, comment: string, force: boolean) => Promise<boolean>;
  children?: ComponentChildren;
}

const BY = "tripline.by";

/** The name under which somebody does things: that of the token, or what was written last. */
export function myName(): string {
  const name = me.value?.name ?? "anonymous";
  return name === "anonymous" ? (remembered(BY) ?? "") : name;
}

/** Keeps a name that was written for the next time. */
export function keepName(by: string): void {
  if (hasName() || by.trim() === "") return;
  remember(BY, by.trim());
}

/** Whether it is known who somebody is, so that nobody has to be asked. */
export function hasName(): boolean {
  return me.value !== null && me.value.name !== "anonymous";
}

export function Confirm({ title, verb, danger = false, comment = false, isRenewal = false, onDone, act, children }: ConfirmProps) {
  const [by, setBy] = useState(myName());
  const [text, setText] = useState("");
  const [isForced, setForced] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    keepName(by);
    if (await act(by.trim(), text.trim(), isForced)) onDone();
    else setBusy(false);
  };
  return (
    <Dialog title={title} onClose={onDone}>
      <form onSubmit={(event) => void submit(event)}>
        {children}
        {comment && !hasName() && <NameField value={by} onInput={setBy} />}
        {comment && (
          <label class="field">
            <span>Comment, if there is something to say</span>
            <input value={text} maxLength={900} onInput={(event) => setText(event.currentTarget.value)} />
          </label>
        )}
        {isRenewal && (
          <label class="check">
            <input type="checkbox" checked={isForced} onChange={(event) => setForced(event.currentTarget.checked)} />
            <span>Also if the service keeps no state, so that all partial matches are lost</span>
          </label>
        )}
        <div class="dialog-actions">
          <button type="button" onClick={onDone}>
            Cancel
          </button>
          <button type="submit" class={danger ? "danger" : "primary"} disabled={isBusy}>
            {verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function NameField({ value, onInput }: { value: string; onInput: (text: string) => void }) {
  return (
    <label class="field">
      <span>Your name</span>
      <input value={value} required maxLength={100} autoComplete="username" onInput={(event) => onInput(event.currentTarget.value)} />
    </label>
  );
}
