// Chooses the colours.
import { useState } from "preact/hooks";
import { keepTheme, keptTheme, THEMES, type Theme } from "../lib/theme";
import { Icon } from "./icons";

const ICONS = { system: "system", light: "sun", dark: "moon" } as const;
const TITLES = { system: "As the system", light: "Light", dark: "Dark" } as const;

export function ThemeSwitch() {
  const [theme, setTheme] = useState(keptTheme());
  const choose = (chosen: Theme): void => {
    keepTheme(chosen);
    setTheme(chosen);
  };
  return (
    <div class="segments" role="radiogroup" aria-label="Colours">
      {THEMES.map((name) => (
        <button type="button" key={name} role="radio" aria-checked={theme === name} title={TITLES[name]} aria-label={name} onClick={() => choose(name)}>
          <Icon name={ICONS[name]} size={15} />
        </button>
      ))}
    </div>
  );
}
