// Who may what: the prompt for a token, and what a role cannot do.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open } from "./browser.mjs";
import { madeUp } from "./target.mjs";

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

test("without a token nothing is shown; with one everything, until the tab is closed", async () => {
  const target = await madeUp({ token: "tripline_right" });
  const { page, wrongs, go } = await open(browser, target.url, { expected: [401] });
  await go("#/alerts");
  await page.getByRole("heading", { name: "Who is there?" }).waitFor();
  await page.getByLabel("Token").fill("tripline_wrong");
  await page.keyboard.press("Enter");
  await page.getByText("does not know this token").waitFor();
  await page.getByLabel("Token").fill("tripline_right");
  await page.keyboard.press("Enter");
  await page.locator(".alert-row").first().waitFor();
  await page.getByText("live", { exact: true }).waitFor();
  const card = await target.raise();
  await page.locator(".alert-row", { hasText: card }).waitFor();
  await page.reload();
  await page.locator(".alert-row").first().waitFor();
  assert.ok(!page.url().includes("tripline_right"));
  await page.getByRole("button", { name: "Leave" }).first().click();
  await page.getByRole("heading", { name: "Who is there?" }).waitFor();
  assert.deepEqual(wrongs, []);
  target.stop();
});

test("who may only read sees what he cannot do, and why", async () => {
  const target = await madeUp({ role: "read" });
  const { page, wrongs, go } = await open(browser, target.url);
  await go("#/alerts");
  await page.locator(".alert-row a").first().click();
  const button = page.getByRole("button", { name: "Acknowledge" });
  await button.waitFor();
  assert.equal(await button.getAttribute("aria-disabled"), "true");
  await button.click({ force: true });
  await page.getByText("This needs the role operate; you have read.").waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0);
  assert.deepEqual(wrongs, []);
  target.stop();
});

test("a service that is gone is said to be gone, and found again", async () => {
  let target = await madeUp();
  const port = Number(new URL(target.url).port);
  const { page, go } = await open(browser, target.url);
  await go("#/alerts");
  await page.locator(".alert-row").first().waitFor();
  await page.getByText("live", { exact: true }).waitFor();
  target.stop();
  await page.getByText("no connection").waitFor();
  target = await madeUp({ port });
  await page.getByText("live", { exact: true }).waitFor({ timeout: 40_000 });
  await page.getByText("no connection").waitFor({ state: "detached" });
  target.stop();
});
