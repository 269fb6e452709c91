// The reference of the API, at `/api`, in a real browser.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import { barriers, launch, open } from "./browser.mjs";
import { madeUp } from "./target.mjs";

let browser;
let target;
const opened = [];

before(async () => {
  // It wants no token, also of a service that does.
  [browser, target] = await Promise.all([launch(), madeUp({ token: "tripline_right" })]);
});

after(async () => {
  await browser?.close();
  await target?.stop();
});

afterEach(async () => {
  for (const view of opened.splice(0)) {
    const { wrongs } = view;
    await view.close();
    assert.deepEqual(wrongs, []);
  }
});

async function at(place, options = {}) {
  const view = await open(browser, target.url, options);
  opened.push(view);
  await view.go(place);
  await view.page.locator(".operation").first().waitFor();
  return view.page;
}

const described = () => {
  const { paths } = JSON.parse(readFileSync(new URL("../../docs/openapi.json", import.meta.url), "utf8"));
  return Object.values(paths).flatMap((methods) => Object.values(methods)).map(({ operationId }) => operationId).sort();
};

test("every operation is there, with a command that can be copied", async () => {
  const page = await at("api");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const shown = await page.locator(".operation").evaluateAll((all) => all.map(({ id }) => id).sort());
  assert.deepEqual(shown, described());
  await page.getByRole("button", { name: "Open all" }).click();
  assert.equal(await page.locator(".operation[open]").count(), shown.length);
  assert.equal(await page.locator(".shell-line").count(), shown.length);
  const silence = page.locator("#silences_add");
  await silence.getByRole("button", { name: "Copy" }).click();
  await page.getByText("Copied.").waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, await silence.locator(".shell-line").textContent());
  assert.ok(copied.startsWith(`curl -sS '${target.url}v1/silences'`) && copied.includes("-d '{"), copied);
  await page.getByLabel("commands with a token").check();
  assert.match(await silence.locator(".shell-line").textContent(), /Bearer \$TRIPLINE_TOKEN/);
  await silence.getByText("its fields").first().click();
  await silence.locator(".fields .fields li").first().waitFor();
});

test("an address leads to its operation, which says all that there is to know", async () => {
  const page = await at("api#outbox_look");
  const one = page.locator("#outbox_look");
  await one.getByRole("heading", { name: "Parameters" }).waitFor();
  assert.equal(await page.locator(".operation[open]").count(), 1);
  await page.waitForFunction(() => document.getElementById("outbox_look").getBoundingClientRect().top < innerHeight / 2);
  const text = await one.textContent();
  for (const words of ["Needs the role read", "behind the ?", "0 to 1000", "application/json, OutboxView", "no-state", "bad-request"]) {
    assert.ok(text.includes(words), `${words} is not in ${text}`);
  }
  await page.getByRole("navigation", { name: "Operations" }).getByText("alerts/counts").click();
  await page.locator("#alerts_counts[open]").waitFor();
});

test("with the keyboard alone an operation is found and opened", async () => {
  const page = await at("api");
  await page.keyboard.press("/");
  await page.keyboard.type("silences end");
  await page.waitForFunction(() => document.querySelectorAll(".operation").length === 1);
  const summary = page.locator("#silences_end > summary");
  for (let steps = 0; steps < 20 && !(await summary.evaluate((it) => it === document.activeElement)); steps++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("#silences_end[open]").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.press("End");
  await page.keyboard.type(" nothing has this");
  await page.getByText("Nothing fits").waitFor();
  await page.keyboard.press("Escape");
  await page.waitForFunction((count) => document.querySelectorAll(".operation").length === count, described().length);
});

for (const width of [1280, 360]) {
  for (const theme of ["light", "dark"]) {
    test(`it stands without errors or barriers, ${width} wide, ${theme}`, { timeout: 60_000 }, async () => {
      const page = await at("api", { width, theme, height: 800 });
      assert.deepEqual(await barriers(page), []);
      await page.getByRole("button", { name: "Open all" }).click();
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `it is ${over} wider than the screen`);
      await page.getByRole("button", { name: "Close all" }).click();
      for (const one of ["alerts_list", "silences_add"]) await page.locator(`#${one} > summary`).click();
      await page.locator("#silences_add").getByText("its fields").first().click();
      assert.equal(await page.title(), "API · Tripline");
      assert.deepEqual(await barriers(page), []);
    });
  }
}
