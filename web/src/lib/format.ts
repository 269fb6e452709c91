// Numbers, keys and values as texts.
import type { Json, Named } from "../api/types";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** `1,234`; from a hundred thousand on `123k`, `1.2M`. */
export function count(value: number): string {
  const size = Math.abs(value);
  if (size < 100_000) return whole.format(Math.round(value));
  const [unit, name] = size < 999_500 ? [1e3, "k"] : size < 999.5e6 ? [1e6, "M"] : [1e9, "G"];
  const short = value / unit;
  return `${Math.abs(short) < 100 ? short.toFixed(1).replace(/\.0$/, "") : Math.round(short)}${name}`;
}

export const exactCount = (value: number): string => whole.format(value);

/** A rate: `0.3`, `12`, `1,234`. */
export function rate(value: number): string {
  if (value === 0) return "0";
  if (Math.abs(value) < 0.095) return value.toFixed(2);
  return Math.abs(value) < 9.95 ? value.toFixed(1) : count(value);
}

export function bytes(value: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let [left, unit] = [value, 0];
  while (left >= 1000 && unit < units.length - 1) [left, unit] = [left / 1000, unit + 1];
  return `${unit === 0 || left >= 100 ? Math.round(left) : left.toFixed(1)} ${units[unit]}`;
}

/** `1 event`, `2 events`. */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** A value without the quotes of texts. */
export function plain(value: Json | undefined): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** `card=c1, shop=s2`. */
export function keyText(key: Named): string {
  return Object.entries(key)
    .map(([name, value]) => `${name}=${plain(value)}`)
    .join(", ");
}

/** What stands for a key in addresses and in what is asked: each part as `name=value`. */
export function keyParts(key: Named): string[] {
  return Object.entries(key).map(([name, value]) => `${name}=${plain(value)}`);
}

/** `a, b and c`. */
export function listed(words: readonly string[], last = "and"): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}

/** Fields of a record in the order in which they stand, those of objects within as `client.device.id`. */
export function flat(record: Json, prefix = ""): [string, Json][] {
  if (typeof record !== "object" || record === null || Array.isArray(record)) return [[prefix || "value", record]];
  return Object.entries(record).flatMap(([name, value]): [string, Json][] => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && Object.keys(value).length > 0 ? flat(value, path) : [[path, value]];
  });
}
