// Text with a little markup: a rule in words, what the document of the API says.
import { useMemo } from "preact/hooks";
import { parseMarkdown, type Block, type Inline, type List } from "../lib/markdown";

/** Sections that are open at first: what most want to know. */
const OPEN = ["Events", "Pattern", "When it is reported"];

interface Section {
  title: string;
  blocks: Block[];
}

export function Words({ text }: { text: string }) {
  const { first, sections } = useMemo(() => inSections(parseMarkdown(text)), [text]);
  return (
    <div class="in-words">
      {first.map((block, index) => (
        <BlockView key={index} block={block} />
      ))}
      {sections.map(({ title, blocks }) => (
        <details key={title} open={OPEN.includes(title)}>
          <summary>{title}</summary>
          {blocks.map((block, index) => (
            <BlockView key={index} block={block} />
          ))}
        </details>
      ))}
    </div>
  );
}

/** As it is, without sections. */
export function Prose({ text }: { text: string }) {
  return (
    <>
      {parseMarkdown(text).map((block, index) => (
        <BlockView key={index} block={block} />
      ))}
    </>
  );
}

/** Without the name and what it is about, which stand at the top of the view. */
function inSections(blocks: readonly Block[]): { first: Block[]; sections: Section[] } {
  const first: Block[] = [];
  const sections: Section[] = [];
  for (const block of blocks) {
    if (block.kind === "heading" && block.level > 1) sections.push({ title: block.text.map((one) => one.text).join(""), blocks: [] });
    else if (sections.length > 0) sections.at(-1)!.blocks.push(block);
    else if (block.kind !== "heading" && block.kind !== "quote") first.push(block);
  }
  return { first, sections };
}

function BlockView({ block }: { block: Block }) {
  if (block.kind === "list") return <ListView list={block.list} />;
  return (
    <p>
      <Text text={block.text} />
    </p>
  );
}

function ListView({ list }: { list: List }) {
  const items = list.items.map((item, index) => (
    <li key={index}>
      <Text text={item.text} />
      {item.children.map((child, place) => (
        <ListView key={place} list={child} />
      ))}
    </li>
  ));
  return list.numbered ? <ol>{items}</ol> : <ul>{items}</ul>;
}

function Text({ text }: { text: readonly Inline[] }) {
  return <>{text.map((one, index) => (one.code ? <code key={index}>{one.text}</code> : one.text))}</>;
}
