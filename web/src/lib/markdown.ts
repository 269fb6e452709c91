// The small part of Markdown that the service writes rules in words with: headings, quotes, lists, code. What an author has
// written stands in it escaped; nothing becomes a link or markup.

export type Inline = { code: boolean; text: string };
export interface Item {
  text: Inline[];
  children: List[];
}
export interface List {
  numbered: boolean;
  items: Item[];
}
export type Block =
  | { kind: "heading"; level: number; text: Inline[] }
  | { kind: "quote" | "paragraph"; text: Inline[] }
  | { kind: "list"; list: List };

const ITEM = /^( *)(-|\d+\.) (.*)$/;

export function parseMarkdown(text: string): Block[] {
  const blocks: Block[] = [];
  let open: { indent: number; list: List }[] = [];
  for (const line of text.split("\n")) {
    const item = ITEM.exec(line);
    if (item !== null) {
      open = addItem(blocks, open, item[1]!.length, item[2] !== "-", item[3]!);
      continue;
    }
    open = [];
    const heading = /^(#+) (.*)$/.exec(line);
    if (heading !== null) blocks.push({ kind: "heading", level: heading[1]!.length, text: inline(heading[2]!) });
    else if (line.startsWith("> ")) blocks.push({ kind: "quote", text: inline(line.slice(2)) });
    else if (line.trim() !== "") blocks.push({ kind: "paragraph", text: inline(line) });
  }
  return blocks;
}

/** Puts an item where its indent says; gives the lists that are open behind it. */
function addItem(blocks: Block[], open: { indent: number; list: List }[], indent: number, numbered: boolean, text: string): typeof open {
  const outer = open.filter((one) => one.indent < indent);
  const same = open.find((one) => one.indent === indent && one.list.numbered === numbered);
  const item = { text: inline(text), children: [] };
  if (same !== undefined) {
    same.list.items.push(item);
    return [...outer, same];
  }
  const list: List = { numbered, items: [item] };
  const parent = outer.at(-1)?.list.items.at(-1);
  if (parent === undefined) blocks.push({ kind: "list", list });
  else parent.children.push(list);
  return [...outer, { indent, list }];
}

/** Text and code; a backslash takes the meaning from the sign behind it. */
export function inline(text: string): Inline[] {
  const found: Inline[] = [];
  let plain = "";
  for (let at = 0; at < text.length; ) {
    const ticks = /^`+/.exec(text.slice(at))?.[0];
    const end = ticks === undefined ? -1 : closing(text, at + ticks.length, ticks.length);
    if (ticks !== undefined && end >= 0) {
      if (plain !== "") found.push({ code: false, text: plain });
      plain = "";
      const code = text.slice(at + ticks.length, end);
      // A space on both sides is there for code that begins or ends with a tick.
      found.push({ code: true, text: /^ .*`.* $/.test(code) ? code.slice(1, -1) : code });
      at = end + ticks.length;
    } else if (text[at] === "\\" && at + 1 < text.length) {
      plain += text[at + 1];
      at += 2;
    } else {
      plain += ticks ?? text[at];
      at += ticks?.length ?? 1;
    }
  }
  if (plain !== "") found.push({ code: false, text: plain });
  return found;
}

/** Where a row of exactly so many ticks begins. */
function closing(text: string, from: number, size: number): number {
  for (const match of text.slice(from).matchAll(/`+/g)) if (match[0].length === size) return from + match.index;
  return -1;
}
