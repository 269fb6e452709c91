// A box for code: a text area over its own text in colours, so that the browser does all editing.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";

interface EditorProps {
  label: string;
  value: string;
  rows: number;
  /** The text in colours; the same letters as `value`. */
  children: ComponentChildren;
  /** Lines, from 1 on, that something is wrong in. */
  wrong?: ReadonlySet<number>;
  onInput: (text: string) => void;
  onRun?: () => void;
  /** Where the cursor is to go, with a number that differs for each time it is to. */
  jump?: { at: number; number: number } | null;
  /** The line, from 1 on, that is on top when another text is opened. */
  top?: number;
  /** Which text it is: another one is shown from `top` on. */
  opened?: number;
}

const LINE = 20;
const PADDING = 10;

export function Editor({ label, value, rows, children, wrong, onInput, onRun, jump, top = 1, opened = 0 }: EditorProps) {
  const frame = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  const lines = value.split("\n").length;
  useEffect(() => {
    if (jump == null || area.current === null) return;
    area.current.focus();
    area.current.setSelectionRange(jump.at, jump.at);
  }, [jump?.number]);
  // As high as its text, so that only the frame is scrolled.
  useLayoutEffect(() => {
    if (area.current === null) return;
    area.current.style.height = "0";
    area.current.style.height = `${area.current.scrollHeight}px`;
  }, [value]);
  useEffect(() => frame.current?.scrollTo(0, top === 1 ? 0 : (top - 1) * LINE), [opened]);
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onRun?.();
    }
  };
  return (
    <div class="editor" ref={frame} style={{ height: `${rows * LINE + 2 * PADDING + 2}px` }}>
      <div class="editor-inner">
        <pre class="line-numbers" aria-hidden="true">
          {Array.from({ length: lines }, (_, index) => (
            <span key={index} class={wrong?.has(index + 1) === true ? "wrong" : undefined}>
              {`${index + 1}\n`}
            </span>
          ))}
        </pre>
        <div class="editor-text">
          <pre aria-hidden="true">
            <code>{children}</code>
            {"\n"}
          </pre>
          <textarea
            ref={area}
            class="code"
            aria-label={label}
            value={value}
            spellcheck={false}
            autocomplete="off"
            autocapitalize="off"
            wrap="off"
            onInput={(event) => onInput(event.currentTarget.value)}
            onKeyDown={onKey}
          />
        </div>
      </div>
    </div>
  );
}
