// Colours of a rule's text: pieces of the text by the tokens that the service gives, also while somebody types.
import type { Token } from "../api/types";

export interface Piece {
  text: string;
  /** The kind of its token, or empty. */
  kind: string;
  start: number;
}

/** Places that count bytes of UTF-8 as places in a text of JavaScript. */
function placesOf(text: string): (byte: number) => number {
  // In ASCII they are the same, and nearly all rules are that.
  if (/^[\x00-\x7f]*$/.test(text)) return (byte) => Math.min(byte, text.length);
  const places: number[] = [];
  let index = 0;
  for (const letter of text) {
    const point = letter.codePointAt(0)!;
    const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (let byte = 0; byte < size; byte++) places.push(index);
    index += letter.length;
  }
  return (byte) => places[byte] ?? text.length;
}

/** Tokens with places in the text of JavaScript instead of bytes. */
export function inText(tokens: readonly Token[], text: string): Token[] {
  const place = placesOf(text);
  return tokens.map(({ start, end, kind }) => ({ start: place(start), end: place(end), kind }));
}

/** The whole text in pieces, by tokens in order (places in the text). */
export function pieces(text: string, tokens: readonly Token[]): Piece[] {
  const all: Piece[] = [];
  let done = 0;
  for (const { start, end, kind } of tokens) {
    if (start < done || end <= start || end > text.length) continue;
    if (start > done) all.push({ text: text.slice(done, start), kind: "", start: done });
    all.push({ text: text.slice(start, end), kind, start });
    done = end;
  }
  if (done < text.length) all.push({ text: text.slice(done), kind: "", start: done });
  return all;
}

/**
 * Where tokens stand after an edit, until the service has said it: those before and behind it as they were, and one that
 * was typed in stretched by it.
 */
export function afterEdit(tokens: readonly Token[], before: string, after: string): Token[] {
  if (before === after) return [...tokens];
  let same = 0;
  const shorter = Math.min(before.length, after.length);
  while (same < shorter && before[same] === after[same]) same++;
  let tail = 0;
  while (tail < shorter - same && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const moved = after.length - before.length;
  const editEnd = before.length - tail;
  return tokens.flatMap((token): Token[] => {
    if (token.end <= same) return token.end === same && tail > 0 && isWord(after[same]) ? [stretch(token, moved)] : [token];
    if (token.start >= editEnd) return [{ ...token, start: token.start + moved, end: token.end + moved }];
    return token.start <= same && token.end >= editEnd ? [stretch(token, moved)] : [];
  });
}

const isWord = (letter: string | undefined): boolean => letter !== undefined && /\w/.test(letter);

function stretch(token: Token, by: number): Token {
  return { ...token, end: Math.max(token.start, token.end + by) };
}
