// The texts of the licences of what is in the bundle, which who ships it has to ship with it.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

const PACKAGE = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//;
const TEXT = /^(licen[cs]e|copying|notice)/i;

/**
 * The texts one behind the other, of the packages that `metafile` says are in the bundle and of all that these need: some
 * are packed with what they need in them.
 */
export async function licenses(here, metafile) {
  const read = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
  const wanted = [...new Set(read.map((path) => PACKAGE.exec(path)?.[1]).filter((name) => name !== undefined))];
  const texts = new Map();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (texts.has(name)) continue;
    const folder = join(here, "node_modules", name);
    const about = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const files = (await readdir(folder)).filter((file) => TEXT.test(file)).sort();
    if (files.length === 0) throw new Error(`${name} is in the bundle and has no file of its licence: ship its text in another way`);
    const own = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
    texts.set(name, `---- ${name} ${about.version} (${about.license})\n\n${own.map((text) => text.trim()).join("\n\n")}\n`);
    wanted.push(...Object.keys(about.dependencies ?? {}));
  }
  return [...texts.keys()].sort().map((name) => texts.get(name)).join("\n");
}
