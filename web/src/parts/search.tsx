// One box for everything: a key, a rule, an alert by its id, or words in alerts.
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api/client";
import type { Rule } from "../api/types";
import { href } from "../lib/route";
import { suggestions, type Suggestion } from "../lib/suggest";
import { Icon } from "./icons";

let rules: string[] = [];

export function Search() {
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const found = suggestions(text, rules);
  const isShown = isOpen && found.length > 0;
  useEffect(() => {
    if (isOpen) void get<{ rules: Rule[] }>("rules").then((list) => (rules = list.rules.map((rule) => rule.name)), () => {});
  }, [isOpen]);
  const take = (suggestion: Suggestion | undefined): void => {
    if (suggestion === undefined) return;
    location.hash = href(suggestion.path, suggestion.params);
    setText("");
    setOpen(false);
    input.current?.blur();
  };
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && found.length > 0) {
      event.preventDefault();
      setChosen((chosen + step + found.length) % found.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      take(found[chosen] ?? found[0]);
    } else if (event.key === "Escape") {
      setOpen(false);
      input.current?.blur();
    }
  };
  return (
    <div class="search" role="search">
      <Icon name="search" size={16} />
      <input
        ref={input}
        id="search"
        type="text"
        value={text}
        placeholder="Find a key, a rule, an alert"
        aria-label="Find a key, a rule, an alert"
        role="combobox"
        aria-expanded={isShown}
        aria-controls="search-list"
        aria-activedescendant={isShown ? `search-${chosen}` : undefined}
        autoComplete="off"
        spellcheck={false}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
          setOpen(true);
        }}
        onKeyDown={onKey}
      />
      <kbd aria-hidden="true">/</kbd>
      {isShown && (
        <ul id="search-list" role="listbox" class="search-list">
          {found.map((suggestion, index) => (
            <li
              key={suggestion.what + suggestion.text}
              id={`search-${index}`}
              role="option"
              aria-selected={index === chosen}
              // Before the box loses the focus.
              onMouseDown={(event) => (event.preventDefault(), take(suggestion))}
            >
              <span class="search-what">{suggestion.what}</span>
              <span class="search-text">{suggestion.text}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
