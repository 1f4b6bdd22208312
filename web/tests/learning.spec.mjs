// What a question takes before it runs, and what is learnt from how people correct their questions: against a second
// Pilothouse, which asks early and has a connection of its own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ask, axe, closeBrowser, noSidewaysScroll, openBrowser, PHONE, screenshot, settled, withPage } from "./support.mjs";

const BASE = process.env.PILOTHOUSE_ASKING_EARLY_URL ?? "";
const WHOLESALE = process.env.WHOLESALE ?? "";
const FEBRUARY = "How many flights were there in February?";
const MARCH = "How many flights were there in March?";
const REVENUE = "revenue by region in 2025";
const HEADERS = { authorization: "Bearer dev_admin_token" };

before(openBrowser);
after(closeBrowser);

/** The connection with two numbers called revenue, made by the first test that needs it. */
async function wholesale(page) {
  const list = async () => (await (await page.request.get("/api/v1/connections", { headers: HEADERS })).json()).items;
  let found = (await list()).find((one) => one.name === "wholesale");
  if (!found) {
    const made = await page.request.post("/api/v1/connections", { headers: HEADERS, data: { name: "wholesale", kind: "files", path: join(WHOLESALE, "data") } });
    assert.equal(made.status(), 201, await made.text());
    found = await made.json();
    const yaml = readFileSync(join(WHOLESALE, "semantic.yaml"), "utf8");
    const put = await page.request.put(`/api/v1/connections/${found.id}/semantic`, { headers: HEADERS, data: { yaml } });
    assert.equal(put.status(), 200, await put.text());
  }
  return found.id;
}

/** Asks one of the two connections. */
async function askOf(page, connection, question) {
  await page.goto("/ask");
  await page.getByLabel("Asking").selectOption({ label: connection });
  await page.locator("#question").focus();
  await ask(page, question);
}

/** Asks the wholesale connection, picks the reading with these words, and waits for its answer. */
async function picked(page, question, label) {
  await askOf(page, "wholesale", question);
  await page.getByRole("button", { name: label }).click();
  await page.locator(".turn").nth(1).waitFor();
  assert.equal(await settled(page, question), "query_result");
}

// Not the same month twice: what was computed is there, and dear no more.
for (const [name, size, question, flights] of [["desktop", undefined, FEBRUARY, "24,951"], ["phone", PHONE, MARCH, "28,834"]]) {
  test(`a dear query says what it takes and runs when it is told to (${name})`, () => withPage({ base: BASE, size }, async (page) => {
    await page.goto("/ask");
    await page.locator("#question").focus();
    await ask(page, question);
    const card = page.locator(".waiting");
    assert.match(await card.locator(".takes").innerText(), /Reads\s+at most [\d.,]+ \wB[\s\S]*[\d,]+ rows[\s\S]*Confidence\s+\w+/i);
    assert.match(await card.innerText(), /Nothing was run yet/);
    assert.match(await card.getByLabel("SQL", { exact: true }).innerText(), /flights/);
    assert.equal(await page.getByText(flights).count(), 0);
    await noSidewaysScroll(page, "the card of a dear query");
    await axe(page, "the card of a dear query");
    await screenshot(page, `ask-dear-${name}`);
    await page.keyboard.press("Alt+Enter");
    await page.locator(".turn").nth(1).waitFor();
    assert.equal(await settled(page, question), "query_result");
    await page.getByText(flights).first().waitFor();
  }));
}

test("a choice that was picked is proposed, and once accepted the question has one reading, which is said", () => withPage({ base: BASE }, async (page) => {
  const id = await wholesale(page);
  await picked(page, REVENUE, /net revenue/i);
  await page.goto(`/data/${id}?tab=meaning`);
  const proposal = page.locator(".proposal", { hasText: REVENUE });
  await proposal.waitFor();
  await page.getByRole("link", { name: "Meaning 1" }).waitFor();
  assert.match(await proposal.innerText(), /net revenue[\s\S]*picked of several readings, once/i);
  await axe(page, "the proposals");
  await screenshot(page, "proposals");
  await proposal.getByRole("button", { name: "Accept" }).click();
  await proposal.waitFor({ state: "detached" });
  await askOf(page, "wholesale", REVENUE);
  const answer = page.locator(".answer-query_result");
  await answer.getByText(/^Verified/).waitFor();
  await axe(page, "a verified answer");
  await screenshot(page, "ask-verified");
  // Another year is as good as the one that was vouched for, and is said to be read like it.
  await ask(page, "revenue by region in 2024");
  await page.locator(".turn").nth(1).getByText(`as “${REVENUE}”`).waitFor();
}));

test("an answer can be vouched for by an operator, and one about the sample by nobody", () => withPage({ base: BASE }, async (page) => {
  await wholesale(page);
  await picked(page, "revenue by industry in 2025", /gross revenue/i);
  await page.getByRole("button", { name: "Verify" }).click();
  await page.getByText("Verified: this question is read like this from now on.").waitFor();
  await askOf(page, "sample", "How many airlines are there?");
  await page.locator(".answer-query_result").waitFor();
  assert.equal(await page.getByRole("button", { name: "Verify" }).count(), 0);
}));
