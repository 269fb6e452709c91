// Takes the pictures of docs/web.md: each view before the made-up service, light and dark, as large as a laptop's screen
// and as a phone's.
//
//   scripts/take-screenshots
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch, open } from "../../tests/web/browser.mjs";
import { start } from "./server.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const folder = join(root, "docs/screenshots");
const browserFolder = dirname(execFileSync(join(root, "scripts/need-chromium"), { encoding: "utf8" }).trim());

const SCREENS = { laptop: { width: 1280, height: 820 }, phone: { width: 360, height: 720 } };

/** Of each view its name, its address and what is done before the picture is taken. */
const VIEWS = [
  ["overview", () => "#/"],
  ["alerts", () => "#/alerts"],
  ["alert", (id) => `#/alerts/${id("account_takeover")}`],
  ["rule", () => "#/rules/card_testing"],
  ["rules", () => "#/rules"],
  ["key", () => "#/keys/user=ada12", (page) => page.locator("summary").first().click()],
  ["playground", (id) => `#/playground?alert=${id("card_testing")}`, async (page) => {
    await page.waitForFunction(() => document.querySelectorAll("textarea")[1]?.value.includes("card_auths"));
    await page.getByRole("button", { name: "Run" }).click();
    await page.locator(".found .mark").first().waitFor();
  }],
  ["silences", () => "#/silences"],
  ["delivery", () => "#/delivery"],
  ["quarantine", () => "#/service/quarantine"],
  ["api", () => "api#alerts_counts"],
];
/** These are shown on a phone, too. */
const ON_PHONES = ["overview", "alerts", "alert", "rule", "api"];

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
// The address of the documentation, as commands show it.
const app = await start({ port: 7070 });
const browser = await launch();
const id = (rule) => app.service.alerts.filter((one) => one.alert.rule === rule && one.status === "open").at(-1).alert.id;
for (const [screen, size] of Object.entries(SCREENS)) {
  for (const theme of ["light", "dark"]) {
    for (const [name, hash, act] of VIEWS) {
      if (screen === "phone" && !ON_PHONES.includes(name)) continue;
      const { page, go, close, wrongs } = await open(browser, app.url, { ...size, theme });
      await go(hash(id));
      await page.locator("h1").waitFor();
      await page.waitForFunction(() => document.querySelector(".loading") === null && document.querySelector(".live-word, .reference .operation") !== null);
      await act?.(page);
      const file = join(folder, `${name}${screen === "phone" ? "-phone" : ""}-${theme}.png`);
      await page.screenshot({ path: file });
      if (wrongs.length > 0) throw new Error(`${name}: ${wrongs.join("; ")}`);
      await close();
    }
  }
}
await browser.close();
app.stop();
const files = readdirSync(folder).map((name) => join(folder, name));
const pngquant = join(browserFolder, "usr/bin/pngquant");
// A browser that was installed before has nothing beside it that makes pictures small.
if (!existsSync(pngquant)) throw new Error("pngquant is missing beside the browser: the pictures are large");
execFileSync(pngquant, ["--force", "--ext", ".png", "--quality", "70-95", "--speed", "1", "--strip", ...files], { env: { ...process.env, LD_LIBRARY_PATH: join(browserFolder, "usr/lib/x86_64-linux-gnu") } });
const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
console.log(`docs/screenshots: ${files.length} pictures, ${Math.round(bytes / 1024)} kB`);
