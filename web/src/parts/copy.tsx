// What can be copied.
import { note } from "./act";

/** Copies, and says whether that went. Browsers allow it to pages of the machine itself, and to those that come encrypted. */
export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    note("Copied.");
  } catch {
    note("The browser does not let the page copy here.", true);
  }
}

export function Copy({ text }: { text: string }) {
  return (
    <button type="button" class="copy mono" title="Copy" onClick={() => void copy(text)}>
      {text}
    </button>
  );
}
