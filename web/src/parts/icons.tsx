// Pictures in the text: one stroke, the colour of the text around.
import type { JSX } from "preact";

const PATHS = {
  overview: "M3 13h4l3-8 4 14 3-6h4",
  alerts: "M12 3 2.5 20h19L12 3zm0 6v5m0 3v.01",
  rules: "M6 4h12M6 9h7M6 14h12M6 19h7",
  keys: "M14.5 9.5a4.5 4.5 0 1 1-2-3.7 4.5 4.5 0 0 1 2 3.7zm-1 2.5 7 7m-3-3-2 2",
  playground: "M9 3h6m-5 0v6l-5.5 9.5A1.7 1.7 0 0 0 6 21h12a1.7 1.7 0 0 0 1.5-2.5L14 9V3M7.5 15h9",
  silences: "M4 4l16 16M18 15V10a6 6 0 0 0-9.3-5M6.2 8.2A6 6 0 0 0 6 10v5l-1.5 2H17m-6.5 3h3",
  delivery: "M3 12 21 4l-5 16-4-6.5L3 12zm9 1.5L21 4",
  service: "M4 5h16v6H4zM4 13h16v6H4zM7.5 8v.01M7.5 16v.01",
  search: "M16 16l5 5m-3-10.5a7.5 7.5 0 1 1-15 0 7.5 7.5 0 0 1 15 0z",
  more: "M5 12v.01M12 12v.01M19 12v.01",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zm0-5v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4m0-12.8L17 7M7 17l-1.4 1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  system: "M3 5h18v11H3zM9 20h6m-3-4v4",
  close: "M6 6l12 12M18 6 6 18",
  check: "M5 12.5 10 17.5 19 7",
  link: "M9 15l6-6m-4-3 1.5-1.5a4.2 4.2 0 0 1 6 6L17 12M13 18l-1.5 1.5a4.2 4.2 0 0 1-6-6L7 12",
  book: "M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zm0 13a3 3 0 0 1 3-3h11",
  clock: "M12 7v5l3 2m6-2a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
  back: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  lock: "M6 11h12v9H6zM8.5 11V7.5a3.5 3.5 0 0 1 7 0V11",
  reload: "M20 12a8 8 0 1 1-2.3-5.7L20 8.5M20 4v4.5h-4.5",
  warning: "M12 8v5m0 3v.01M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
  filter: "M4 5h16l-6 8v6l-4-2v-4L4 5z",
  play: "M7 4.5v15l12-7.5-12-7.5z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of the product: a line that is tripped. */
export function Logo() {
  return (
    <svg class="logo" width="26" height="26" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" />
      <path d="M4 21h6l4-9 5 12 3.5-7H28" />
      <circle cx="14" cy="12" r="2.8" />
    </svg>
  );
}
