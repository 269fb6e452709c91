// Keys of the keyboard that work everywhere.
import { useEffect } from "preact/hooks";
import { Dialog } from "./act";
import { go } from "./place";

const PLACES: Record<string, [string[], string]> = {
  o: [[], "overview"],
  a: [["alerts"], "alerts"],
  r: [["rules"], "rules"],
  k: [["keys"], "keys"],
  p: [["playground"], "playground"],
  s: [["silences"], "silences"],
  d: [["delivery"], "delivery"],
  v: [["service"], "service"],
};

/** Whether keys are meant as text, or for something in front of the page. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  const isText = target !== null && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
  return isText || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") !== null;
}

const TWO_KEYS_MS = 1_000;

export function useShortcuts(onHelp: () => void): void {
  useEffect(() => {
    let wentAt = -Infinity;
    const onKey = (event: KeyboardEvent): void => {
      if (isTyping(event)) return;
      if (event.key === "/") {
        event.preventDefault();
        document.getElementById("search")?.focus();
      } else if (event.key === "?") {
        onHelp();
      } else if (event.timeStamp - wentAt < TWO_KEYS_MS && PLACES[event.key] !== undefined) {
        event.preventDefault();
        event.stopImmediatePropagation();
        wentAt = -Infinity;
        go(PLACES[event.key]![0]);
      } else {
        wentAt = event.key === "g" ? event.timeStamp : -Infinity;
      }
    };
    addEventListener("keydown", onKey, true);
    return () => removeEventListener("keydown", onKey, true);
  }, []);
}

export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const rows: [string[], string][] = [
    [["/"], "search"],
    ...Object.entries(PLACES).map(([key, [, name]]): [string[], string] => [["g", key], `go to ${name}`]),
    [["j"], "next alert in the list"],
    [["k"], "the one before"],
    [["Enter"], "open it"],
    [["←", "→"], "from event to event in a timeline"],
    [["Ctrl", "Enter"], "run the playground"],
    [["?"], "this list"],
  ];
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl class="shortcuts">
        {rows.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
