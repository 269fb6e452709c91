// The place in the page as a signal, and ways to go to another.
import { signal } from "@preact/signals";
import { href, parsePlace } from "../lib/route";

export const place = signal(parsePlace(location.hash));
addEventListener("hashchange", () => (place.value = parsePlace(location.hash)));

export function go(path: readonly string[], params?: Record<string, string | readonly string[]>): void {
  location.hash = href(path, params);
}

/** Changes what stands behind the `?` without a new entry in the history of the browser. */
export function replaceParams(params: Record<string, string | readonly string[]>): void {
  const address = href(place.value.path, params);
  if (address === location.hash) return;
  history.replaceState(null, "", address);
  place.value = parsePlace(location.hash);
}
