// A browser for the tests of the page, which notes what a page must never do: errors in the console, and requests that
// leave the host.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const require = createRequire(join(root, "web/package.json"));
const { chromium } = require("playwright-core");
const axe = require("axe-core").source;

/** How long something on the page may take to come. */
export const PATIENCE_MS = 10_000;

export async function launch() {
  const executablePath = execFileSync(join(root, "scripts/need-chromium"), { encoding: "utf8" }).trim();
  // Its sandbox wants rights that tests in containers do not have; it sees nothing but the page.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
}

/**
 * A page that is watched. `wrongs` is what it has done that it must not; answers that the test provokes are named in
 * `expected`, by their status.
 */
export async function open(browser, url, { width = 1280, height = 900, theme = "light", expected = [] } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const wrongs = [];
  const host = new URL(url).host;
  page.on("request", (request) => {
    const to = new URL(request.url());
    if (to.host !== host) wrongs.push(`a request to ${request.url()}`);
  });
  page.on("console", (message) => {
    if (!["error", "warning"].includes(message.type())) return;
    const text = message.text();
    // The browser notes every answer that is no success.
    if (expected.some((status) => text.includes(`status of ${status}`) || text.includes(String(status)))) return;
    wrongs.push(`${message.type()} in the console: ${text}`);
  });
  page.on("pageerror", (error) => wrongs.push(`not caught: ${error.stack ?? error}`));
  const close = () => context.close();
  return { page, wrongs, close, go: (hash) => page.goto(`${url}${hash}`) };
}

/** What a program finds wrong for people who use a keyboard, a screen reader, or see few colours. */
export async function barriers(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"] }));
  return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary?.split("\n")[1]?.trim()}`));
}
