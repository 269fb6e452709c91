// Keys as links to all that is known of them.
import type { Named } from "../api/types";
import { keyParts, plain } from "../lib/format";
import { href } from "../lib/route";

export function KeyChips({ value }: { value: Named }) {
  return (
    <>
      {Object.entries(value).map(([name, part]) => (
        <a key={name} class="key-chip" href={href(["keys", `${name}=${plain(part)}`])} title="All that is known of this key">
          <span class="dim">{name}</span> {plain(part)}
        </a>
      ))}
    </>
  );
}

/** A whole key as one link. */
export function KeyLink({ value }: { value: Named }) {
  const parts = keyParts(value);
  return (
    <a class="wrap" href={href(["keys", ...parts])}>
      {parts.join(", ")}
    </a>
  );
}
