// Light or dark: as the system says, or as somebody has chosen on this machine.

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "tripline.theme";

export function keptTheme(): Theme {
  const kept = remembered(KEY) as Theme;
  return THEMES.includes(kept) ? kept : "system";
}

export function applyTheme(theme: Theme): void {
  const { dataset } = document.documentElement;
  if (theme === "system") delete dataset["theme"];
  else dataset["theme"] = theme;
}

export function keepTheme(theme: Theme): void {
  applyTheme(theme);
  remember(KEY, theme);
}

/** What was chosen on this machine; null if nothing, or if the browser keeps nothing. */
export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Then it lasts until the page is left.
  }
}
