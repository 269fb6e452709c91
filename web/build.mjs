// Builds the page into dist/: two scripts, one style sheet, an icon, the page itself, and for the program a list of them. Names of what may be cached
// for ever hold a hash of the contents; the same sources give the same bytes on every machine. Beside them stand the licences of what is in it.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { licenses } from "./licenses.mjs";

const here = dirname(fileURLToPath(import.meta.url));
/** More than this, uncompressed, is too much for a page that people open on a train. */
const MOST_BYTES = 300 * 1024;

/** What esbuild is told, for the page as it is served and while it is worked on. */
export const settings = {
  absWorkingDir: here,
  entryPoints: { main: "src/main.tsx", theme: "src/theme.ts", style: "src/style/index.css" },
  bundle: true,
  format: "esm",
  target: ["es2022", "chrome111", "firefox113", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  write: false,
  logLevel: "warning",
};

/** All files of the page by name, as bytes, and the licences of what is in them. */
async function files() {
  const made = await build({
    ...settings,
    minify: true,
    entryNames: "[name]-[hash]",
    outdir: "dist",
  });
  const all = new Map(made.outputFiles.map((file) => [basename(file.path), file.contents]));
  const icon = await readFile(join(here, "src/icon.svg"));
  const iconName = `icon-${createHash("sha256").update(icon).digest("hex").slice(0, 8).toUpperCase()}.svg`;
  all.set(iconName, icon);
  let page = await readFile(join(here, "src/index.html"), "utf8");
  for (const [placeholder, pattern] of [
    ["{{theme}}", /^theme-.*\.js$/],
    ["{{main}}", /^main-.*\.js$/],
    ["{{style}}", /^style-.*\.css$/],
    ["{{icon}}", /^icon-.*\.svg$/],
  ]) {
    const name = [...all.keys()].find((name) => pattern.test(name));
    page = page.replaceAll(placeholder, `assets/${name}`);
  }
  all.set("index.html", Buffer.from(page));
  return { all, legal: await licenses(here, made.metafile) };
}

/** The list of the files that the program embeds. */
function rust(names) {
  const path = (name) => (name === "index.html" ? name : `assets/${name}`);
  const rows = names.map((name) => `    ("${name}", include_bytes!("${path(name)}")),\n`);
  return `// Written by web/build.mjs: the files of the page, for src/api/page.rs.\n&[\n${rows.join("")}]\n`;
}

async function write() {
  const dist = join(here, "dist");
  const { all, legal } = await files();
  await mkdir(join(dist, "assets"), { recursive: true });
  for (const old of await readdir(join(dist, "assets"))) await rm(join(dist, "assets", old));
  let [bytes, packed] = [0, 0];
  for (const [name, contents] of all) {
    await writeFile(join(dist, name === "index.html" ? name : `assets/${name}`), contents);
    bytes += contents.length;
    packed += gzipSync(contents, { level: 9 }).length;
  }
  await writeFile(join(dist, "licenses.txt"), legal);
  await writeFile(join(dist, "files.rs"), rust([...all.keys()].sort()));
  const kilo = (count) => `${(count / 1024).toFixed(1)} kB`;
  console.log(`web/dist: ${all.size} files, ${kilo(bytes)}, ${kilo(packed)} compressed`);
  if (bytes > MOST_BYTES) {
    console.error(`That is more than ${kilo(MOST_BYTES)}: see what has grown, or say in build.mjs why it may.`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await write();
