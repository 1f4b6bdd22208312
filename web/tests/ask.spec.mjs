// The Ask page against a running Pilothouse, with the keyboard only: a number, a question back, the examples, a refusal,
// and the shared answer.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, axe, closeBrowser, expectFocus, openBrowser, pressUntilFocused, screenshot, settled, withPage } from "./support.mjs";

const FEBRUARY = "How many flights were there in February?";
const DELAYED = "Which carrier had the most delayed flights in February?";
const EXAMPLES = [FEBRUARY, DELAYED, "Average departure delay by carrier", "Revenue by month in 2025", "Daily active users in December 2025"];

before(openBrowser);
after(closeBrowser);

test("a newcomer is signed in, told so, and gets 24,951 with how it was found", () => withPage({}, async (page) => {
  await page.goto("/");
  await page.getByText("Development mode:").waitFor();
  await axe(page, "the empty Ask page");
  await ask(page, FEBRUARY);
  const answer = page.locator(".answer-query_result");
  assert.match(await answer.innerText(), /24,951/);
  assert.ok((await answer.getByRole("group", { name: "How I understood this" }).getByRole("button").count()) > 0, "no chips");
  assert.match(await answer.getByRole("list", { name: "What this answer took" }).innerText(), /rows scanned/);

  await page.keyboard.press("Alt+s");
  assert.match(await answer.getByLabel("SQL", { exact: true }).innerText(), /select[\s\S]+flights/i);
  await axe(page, "an answer with its SQL");
  await screenshot(page, "ask-answer");
  await page.keyboard.press("Alt+s");
  await answer.getByLabel("SQL", { exact: true }).waitFor({ state: "detached" });
}));

test("a part of how it was understood is changed from the keyboard, and the answer follows", () => withPage({}, async (page) => {
  await page.goto("/ask");
  await ask(page, "Revenue by month in 2025");
  const first = page.locator(".turn").first();
  const [, month, money] = /^(\w{3} 2025)\s+([\d,]+\.\d\d)$/m.exec(await first.locator("tbody").innerText()) ?? [];
  assert.deepEqual([month, money], ["Jan 2025", "151,010.40"]);
  await pressUntilFocused(page, "Shift+Tab", ".chip-open");
  await first.getByRole("button", { name: /^By/ }).press("ArrowDown");
  const menu = first.getByRole("menu", { name: /^Instead of month/ });
  await menu.waitFor();
  await axe(page, "an open menu of alternatives");
  await page.keyboard.press("Escape");
  await menu.waitFor({ state: "detached" });
  await expectFocus(page, '.chip-open[aria-expanded="false"]');
  await page.keyboard.press("Enter");
  await page.keyboard.press("q");
  assert.match(await page.evaluate(() => document.activeElement?.textContent ?? ""), /^quarter/);
  await page.keyboard.press("Enter");
  const second = page.locator(".turn").nth(1);
  await second.locator(".answer-query_result").waitFor();
  assert.match(await second.getByRole("heading").innerText(), /^Revenue by quarter of order date/);
  assert.match(await second.locator("tbody").innerText(), /Q1 2025\s+\d/);
  assert.match(await second.locator(".picked").innerText(), /month of order date to quarter of order date/);
  await axe(page, "a changed answer");
  await second.getByRole("button", { name: /^Metric/ }).press("Enter");
  await second.getByRole("menuitem", { name: "number of orders", exact: true }).press("Enter");
  const third = page.locator(".turn").nth(2);
  await third.locator(".answer-query_result").waitFor();
  assert.match(await third.getByRole("heading").innerText(), /^Number of orders by quarter/);
  await expectFocus(page, "#question");
}));

test("a question with two meanings is asked back, and a choice is picked with the keyboard", () => withPage({}, async (page) => {
  await page.goto("/ask");
  await ask(page, DELAYED);
  const labels = await page.locator(".choice-label").allInnerTexts();
  assert.ok(labels.length >= 2 && new Set(labels).size === labels.length, `the choices are not told apart: ${labels}`);
  assert.equal((await page.locator(".clarify .sentence").innerText()).trim(), "Which do you mean?");
  await axe(page, "a question asked back");
  await screenshot(page, "ask-choices");
  await pressUntilFocused(page, "Shift+Tab", "li:first-child > .choice");
  await page.keyboard.press("Enter");
  await page.locator(".turn").nth(1).waitFor();
  assert.equal(await settled(page, DELAYED), "query_result");
  const turn = page.locator(".turn").last();
  // One carrier was asked for: it and its number lead, large; chart and table show it among the next ones.
  assert.match(await turn.locator(".figure").innerText(), /^EV\s+1,808\s+flights$/);
  await turn.locator("canvas").waitFor();
  assert.match(await turn.locator("tbody tr").first().innerText(), /EV\s+1,808/);
  assert.ok((await turn.locator("tbody tr").count()) > 5, "the carrier stands alone");
  assert.equal(await page.locator(".turn").first().locator(".choice:enabled").count(), 0, "old choices can still be picked");
  await axe(page, "the answer to a choice");
  await screenshot(page, "ask-picked");
}));

test("a choice can be picked by its number", () => withPage({}, async (page) => {
  await page.goto("/ask");
  await ask(page, DELAYED);
  await page.keyboard.press("Alt+1");
  await page.locator(".turn").nth(1).waitFor();
  assert.equal(await settled(page, DELAYED), "query_result");
}));

for (const example of EXAMPLES) {
  test(`the example “${example}” leads to an answer`, () => withPage({}, async (page) => {
    await page.goto("/ask");
    await expectFocus(page, "#question");
    const button = page.getByRole("button", { name: example });
    for (let presses = 0; presses < 20 && !(await button.evaluate((node) => node === document.activeElement)); presses += 1) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    const kind = await settled(page, example);
    assert.equal(kind, example === DELAYED ? "clarification" : "query_result");
    if (kind === "query_result" && example !== FEBRUARY) await page.locator(".turn canvas").waitFor();
    await expectFocus(page, "#question");
  }));
}

test("a question it cannot understand is never answered with a number", () => withPage({}, async (page) => {
  await page.goto("/ask");
  await ask(page, "How melancholic were the zeppelins?");
  const kind = await page.locator(".answer").evaluate((node) => node.className.replace(/^.*answer-/, ""));
  assert.ok(kind === "refused" || kind === "clarification", `answered with ${kind}`);
  await axe(page, "a refusal");
  await screenshot(page, "ask-refused");
}));

test("an answer has an address of its own, reached from its run", () => withPage({}, async (page) => {
  await page.goto("/ask");
  await ask(page, FEBRUARY);
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.press("r");
  await page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
  await page.locator("tbody tr").first().waitFor();
  await axe(page, "the list of runs");
  await screenshot(page, "runs");
  await pressUntilFocused(page, "Tab", "tbody a");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/runs\/.+/);
  await page.locator(".timeline li").nth(2).waitFor();
  await axe(page, "a run");
  await screenshot(page, "run");
  await pressUntilFocused(page, "Tab", 'a[href^="/ask/"]');
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/ask\/.+/);
  const address = page.url();
  await page.goto(address);
  await page.getByText(/24,951/).first().waitFor();
  await axe(page, "a shared answer");
}));
