// The page in a real browser: what people do with it, and what it must never do.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { barriers, launch, open } from "./browser.mjs";
import { target as begin } from "./target.mjs";

const VIEWS = ["", "alerts", "rules", "rules/card_testing", "rules/brute_force", "keys", "keys/card=card-1", "playground", "silences", "delivery", "service", "service/config", "service/streams", "service/savepoints", "service/quarantine"];

let browser;
let target;
const opened = [];

before(async () => {
  [browser, target] = await Promise.all([launch(), begin()]);
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

async function at(hash, options = {}) {
  const view = await open(browser, options.url ?? target.url, options);
  opened.push(view);
  await view.go(hash);
  return view.page;
}

const row = (page, words) => page.locator(".alert-rows:not(.compact) .alert-row", { hasText: words });

/** Says who one is, where that is not known. */
async function sign(dialog) {
  await dialog.getByRole("button").first().waitFor();
  const name = dialog.getByLabel("Your name");
  if ((await name.count()) > 0) await name.fill("ana");
}

test("alerts come live to a page that is open", async () => {
  const page = await at("#/alerts");
  await page.locator(".alert-row").first().waitFor();
  await page.getByText("live", { exact: true }).waitFor();
  const card = await target.raise();
  await row(page, card).waitFor();
  assert.match(await page.locator(".alert-row").first().textContent(), new RegExp(card));
});

test("an alert that comes while the connection is lost is there when it is back, once", async () => {
  const page = await at("#/alerts", { expected: ["ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION"] });
  await page.getByText("live", { exact: true }).waitFor();
  await row(page, "tiny charges").first().waitFor();
  target.cut();
  const card = await target.raise();
  await row(page, card).waitFor();
  assert.equal(await row(page, card).count(), 1);
});

test("a filter leaves out what does not fit, stands in the address, and holds for what comes live", async () => {
  const card = await target.raise();
  const page = await at("#/alerts");
  await row(page, card).waitFor();
  await page.getByRole("button", { name: "critical" }).click();
  await page.getByLabel("Rule", { exact: true }).selectOption("card_testing");
  await page.waitForFunction(() => location.hash.includes("severity=critical") && location.hash.includes("rule=card_testing"));
  await page.getByLabel("Add a key").fill(`card=${card}`);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll(".alert-row").length === 1);
  await page.getByText("live", { exact: true }).waitFor();
  const other = await target.raise();
  const address = page.url();
  await page.goto("about:blank");
  await page.goto(address);
  await row(page, card).waitFor();
  assert.equal(await row(page, other).count(), 0);
  await page.getByRole("button", { name: "critical" }).click();
  await page.getByRole("button", { name: "low", exact: true }).click();
  await page.getByText("No alert fits").waitFor();
});

test("words are searched for, and nothing found says what to do", async () => {
  const card = await target.raise();
  const page = await at("#/alerts");
  await page.getByLabel("Words in alerts").fill(card);
  await row(page, card).waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".alert-row").length === 1);
  await page.getByLabel("Words in alerts").fill("there is no such thing");
  await page.getByText("No alert fits").waitFor();
  await page.getByRole("button", { name: "Show all" }).click();
  await row(page, card).waitFor();
});

test("more alerts come when the list is scrolled to its end", async () => {
  const page = await at("#/alerts");
  await page.locator(".alert-row").first().waitFor();
  const first = await page.locator(".alert-row").count();
  await page.locator(".more").scrollIntoViewIfNeeded();
  await page.waitForFunction((count) => document.querySelectorAll(".alert-row").length > count, first);
});

test("the list is gone through and opened by keyboard alone", async () => {
  const page = await at("#/alerts");
  await page.locator(".alert-row").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("j");
  assert.equal(await page.locator(".alert-row").nth(1).getAttribute("class").then((names) => names.includes("chosen")), true);
  const title = await page.locator(".alert-row .row-title").nth(1).textContent();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: title }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("r");
  await page.getByRole("heading", { level: 1, name: "Rules" }).waitFor();
});

test("the timeline of an alert has its events, and shows the record of each", async () => {
  const card = await target.raise();
  const page = await at(`#/alerts?text=${card}`);
  await row(page, card).click();
  await page.locator(".timeline .mark").first().waitFor();
  const events = await page.locator(".evidence tbody tr").count();
  assert.ok(events >= 4);
  const drawn = await page.locator(".timeline .mark").evaluateAll((marks) => marks.reduce((sum, mark) => sum + Number(mark.querySelector("text")?.textContent ?? 1), 0));
  assert.equal(drawn, events);
  assert.deepEqual(await page.locator(".lane-name").evaluateAll((names) => names.map((name) => name.firstChild.textContent)), ["3+ tiny", "big"]);
  assert.equal(await page.locator(".timeline .window").count(), 1);
  await page.locator(".timeline .decided").waitFor({ state: "attached" });
  // The event that decided it first, the one before with the arrow key.
  await page.locator(".readout", { hasText: "big" }).waitFor();
  await page.locator(".mark.chosen").focus();
  await page.keyboard.press("ArrowLeft");
  await page.locator(".readout-head", { hasText: "tiny" }).first().waitFor();
  await page.locator(".readout .record", { hasText: card }).first().waitFor();
});

test("what one person says of an alert, another sees at once", async () => {
  const card = await target.raise();
  const [one, other] = [await at(`#/alerts?text=${card}`), await at(`#/alerts?text=${card}`)];
  await row(other, card).waitFor();
  await row(one, card).click();
  await one.getByRole("button", { name: "Acknowledge" }).click();
  const dialog = one.getByRole("dialog");
  await sign(dialog);
  await dialog.getByLabel("Comment, if there is something to say").fill("looking into it");
  await dialog.getByRole("button", { name: "Acknowledge" }).click();
  await one.locator(".view-head .status.acknowledged").waitFor();
  await one.locator(".history", { hasText: "looking into it" }).waitFor();
  await other.locator(".alert-row .status.acknowledged", { hasText: "ana" }).waitFor();
});

test("the automaton of a rule is drawn, with how many partial matches are where", async () => {
  const page = await at("#/rules/card_testing");
  await page.locator(".automaton .box").first().waitFor();
  const labels = await page.locator(".automaton .box > text:first-of-type").allTextContents();
  assert.equal(labels[0], "start");
  assert.ok(labels.some((label) => label.startsWith("tiny")) && labels.some((label) => label.startsWith("big")), labels.join());
  await page.locator(".automaton .box-count").first().waitFor({ state: "attached" });
  assert.ok((await page.locator(".automaton .arrow path").count()) >= labels.length - 1);
  await page.locator(".code-block .t-keyword", { hasText: "match" }).first().waitFor();
});

test("a rule is put in shadow only after a question", async () => {
  // The service begins anew with that, and who asks it meanwhile is told to come back.
  const page = await at("#/rules/sensor_stuck", { expected: [503] });
  await page.getByRole("radio", { name: "shadow" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await page.getByRole("radio", { name: "live", checked: true }).count(), 1);
  await page.getByRole("radio", { name: "shadow" }).click();
  const dialog = page.getByRole("dialog");
  await sign(dialog);
  await dialog.getByRole("button", { name: "Put in shadow" }).click();
  await page.getByRole("radio", { name: "shadow", checked: true }).waitFor();
});

test("the playground finds a match in the events of an alert, and says why not without the last", async () => {
  const card = await target.raise();
  const page = await at(`#/alerts?text=${card}`);
  await row(page, card).click();
  await page.getByRole("link", { name: "Open in playground" }).click();
  const events = page.getByLabel("Events, one JSON object in each line");
  await page.waitForFunction(() => document.querySelectorAll("textarea")[1]?.value.includes("card_auths"));
  await page.getByRole("button", { name: "Run" }).click();
  await page.locator(".found .timeline .mark").first().waitFor();
  await page.locator(".found", { hasText: card }).waitFor();
  const lines = (await events.inputValue()).split("\n");
  await events.fill(lines.slice(0, -1).join("\n"));
  await page.keyboard.press("Control+Enter");
  await page.getByRole("heading", { name: "No match" }).waitFor();
  await page.locator(".why-not").first().waitFor();
});

test("mistakes in a rule stand in their place while one types, and lead there", async () => {
  const page = await at("#/playground");
  const text = page.getByLabel("Text of the rule");
  const rule = (await text.inputValue()).replace("= card_auths where amount", "= card_auth where amount");
  await text.fill(rule);
  await page.locator(".squiggle.error", { hasText: "card_auth" }).waitFor();
  await page.locator(".diagnostics .error button").first().click();
  const place = await text.evaluate((area) => area.selectionStart);
  assert.equal(rule.slice(place, place + 9), "card_auth");
  await text.fill(rule.replace("card_auth where", "card_auths where"));
  await page.getByText("no mistakes").waitFor();
  assert.equal(await page.locator(".squiggle").count(), 0);
});

test("a silence is made and ended", async () => {
  const page = await at("#/silences");
  await page.getByRole("button", { name: "New silence" }).click();
  const dialog = page.getByRole("dialog");
  await sign(dialog);
  await dialog.getByRole("button", { name: "Silence" }).click();
  await dialog.getByText("Say which alerts").waitFor();
  await dialog.getByLabel("Rules").fill("scalping");
  await dialog.getByLabel("Why").fill("the sale has begun");
  await dialog.getByRole("button", { name: "Silence" }).click();
  const made = page.getByRole("row").filter({ hasText: "the sale has begun" });
  await made.waitFor();
  await made.getByRole("button", { name: "End" }).click();
  await sign(page.getByRole("dialog"));
  await page.getByRole("dialog").getByRole("button", { name: "End it" }).click();
  await page.locator("tr.past", { hasText: "the sale has begun" }).waitFor();
});

test("a key is found from everywhere", async () => {
  const card = await target.raise();
  const page = await at("#/rules");
  await page.locator("h1").waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type(`card=${card}`);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: `card=${card}` }).waitFor();
  await page.locator(".alert-row", { hasText: card }).waitFor();
});

for (const width of [1280, 360]) {
  for (const theme of ["light", "dark"]) {
    test(`every view stands without errors or barriers, ${width} wide, ${theme}`, { timeout: 120_000 }, async () => {
      const page = await at("", { width, theme, height: 800 });
      const id = await page.evaluate(() => fetch("v1/alerts?rule=card_testing&limit=1").then((answer) => answer.json()).then((list) => list.alerts[0]?.id));
      const views = id === undefined ? VIEWS : [...VIEWS, `alerts/${id}`];
      for (const view of views) {
        await page.goto(`${target.url}#/${view}`);
        await page.locator("h1").waitFor();
        await page.waitForFunction(() => document.querySelector(".loading") === null);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(over <= 0, `#/${view} is ${over} wider than the screen`);
        assert.match(await page.title(), /· Tripline$/);
        assert.deepEqual(await barriers(page), [], `#/${view}`);
      }
    });
  }
}

test("the colours follow the system, or the switch", async () => {
  const page = await at("#/", { theme: "dark" });
  await page.locator("h1").waitFor();
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.getByRole("radio", { name: "light" }).click();
  assert.notEqual(await ground(), dark);
  await page.reload();
  await page.locator("h1").waitFor();
  assert.notEqual(await ground(), dark);
});
