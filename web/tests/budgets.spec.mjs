// What may be spent: looked at by everybody, set by admins, and the same on a telephone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, closeBrowser, noSidewaysScroll, openBrowser, PHONE, screenshot, withPage } from "./support.mjs";

before(openBrowser);
after(closeBrowser);

const LIMIT = "Each user, tokens a day";

/** Changes the limit of every user's day to what is written. */
async function change(page, text) {
  await page.getByRole("row", { name: new RegExp(LIMIT) }).getByRole("button", { name: "Change" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Tokens").fill(text);
  await dialog.getByRole("button", { name: "Save the limit" }).click();
}

test("a limit is looked at, changed, and put back", () => withPage({}, async (page) => {
  await page.goto("/settings?tab=budgets");
  const row = page.getByRole("row", { name: new RegExp(LIMIT) });
  await row.waitFor();
  await page.getByText(/Spent in \d{4}-\d{2}/).waitFor();
  await axe(page, "budgets");
  await screenshot(page, "budgets");
  await change(page, "many");
  await page.getByText("A number of at least 0.").waitFor();
  await screenshot(page, "budgets-change");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await change(page, "50,000");
  await row.getByText("50,000 tokens").waitFor();
  await change(page, "");
  await row.getByText("no limit").waitFor();
  const history = await page.request.get("/api/v1/budgets/history", { headers: { authorization: "Bearer dev_admin_token" } }).then((reply) => reply.json());
  assert.deepEqual(history.items.slice(0, 2).map((item) => item.amount), [null, 50_000]);
  const removed = await page.request.delete(`/api/v1/budgets/${history.items[0].id}`, { headers: { authorization: "Bearer dev_admin_token" } });
  assert.equal(removed.status(), 204);
}));

test("budgets hold on a phone", () => withPage({ size: PHONE }, async (page) => {
  await page.goto("/settings?tab=budgets");
  await page.getByText(LIMIT).waitFor();
  await noSidewaysScroll(page);
  await axe(page, "budgets on a phone");
  await screenshot(page, "budgets-phone");
}));
