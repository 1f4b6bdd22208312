// Models: who answers, and what they are told; a provider is added, changed and removed, a prompt is put in force.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, closeBrowser, noSidewaysScroll, openBrowser, PHONE, screenshot, withPage } from "./support.mjs";

before(openBrowser);
after(closeBrowser);

const ADMIN = { headers: { authorization: "Bearer dev_admin_token" } };

test("a provider is added, changed and removed, and its key is never shown", () => withPage({}, async (page) => {
  await page.goto("/settings?tab=models");
  await page.getByText("No model is configured").waitFor();
  await axe(page, "models");
  await page.getByRole("button", { name: "New provider" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Save the provider" }).click();
  await dialog.getByText("Say what to call it.").waitFor();
  await dialog.getByLabel("Name").fill("spare");
  await dialog.getByLabel("Language").selectOption("anthropic");
  await dialog.getByLabel("Key").fill("sk-nobody-may-see-this");
  await dialog.getByLabel("Models").fill("fast=claude-haiku-4-5");
  await screenshot(page, "models-new");
  await axe(page, "a new provider");
  await dialog.getByRole("button", { name: "Save the provider" }).click();
  const row = page.getByRole("row", { name: /spare/ });
  await row.getByText("fast: claude-haiku-4-5").waitFor();
  await row.getByText("Not asked yet").waitFor();
  await screenshot(page, "models");
  await row.getByRole("button", { name: "Change spare" }).click();
  assert.equal(await dialog.getByLabel("Key").inputValue(), "");
  await dialog.getByLabel("Rank").fill("7");
  await dialog.getByRole("button", { name: "Save the provider" }).click();
  await row.getByRole("cell", { name: "7", exact: true }).waitFor();
  const listed = await page.request.get("/api/v1/ai/providers", ADMIN).then((reply) => reply.text());
  const own = JSON.parse(listed).items.find((item) => item.name === "spare");
  assert.deepEqual([own.has_key, own.rank, listed.includes("nobody-may-see")], [true, 7, false], "the key stays where it is");
  await row.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await row.waitFor({ state: "detached" });
}));

test("a price is written down, and holds from then on", () => withPage({}, async (page) => {
  await page.goto("/settings?tab=models");
  await page.getByRole("button", { name: "New price" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Save the price" }).click();
  await dialog.getByText("Say which model.").waitFor();
  assert.equal(await dialog.getByText("A number of at least 0.").count(), 2);
  const model = `our-own-${Date.now()}`;
  await dialog.getByLabel("Model").fill(model);
  await dialog.getByLabel("Input", { exact: true }).fill("0.25");
  await dialog.getByLabel("Output").fill("1.5");
  await screenshot(page, "price-new");
  await axe(page, "a new price");
  await dialog.getByRole("button", { name: "Save the price" }).click();
  const row = page.getByRole("row", { name: new RegExp(model) });
  await row.getByText("$0.25").waitFor();
  await row.getByText("$1.50").waitFor();
  await row.getByText("the same").waitFor();
  await page.getByText(/prices of the makers/).click();
  await page.getByRole("row", { name: /gpt-4o-mini/ }).first().waitFor();
  await axe(page, "prices");
  await screenshot(page, "prices");
}));

test("a prompt is read, and another version waits for somebody to agree", () => withPage({ allow: [/409/] }, async (page) => {
  await page.goto("/settings?tab=models");
  await page.getByRole("button", { name: "Read ask", exact: true }).click();
  const dialog = page.getByRole("dialog").first();
  await dialog.getByLabel("What models are told").waitFor();
  await axe(page, "a prompt");
  await screenshot(page, "prompt");
  await page.keyboard.press("Escape");
  const other = await page.request.post("/api/v1/prompts/ask/versions", { ...ADMIN, data: { template: "Read the question, shortly.", version: "short" } });
  const { hash } = await other.json();
  await page.reload();
  await page.getByRole("button", { name: "Read ask", exact: true }).click();
  await page.getByRole("row", { name: new RegExp(hash) }).getByRole("button", { name: "Put in force" }).click();
  const asked = page.getByRole("dialog", { name: `Put ${hash} in force?` });
  await asked.getByLabel("Why").fill("It costs less");
  await asked.getByRole("button", { name: "Put in force" }).click();
  await asked.getByText("Somebody has to agree first").waitFor();
  await screenshot(page, "prompt-agreement");
  await asked.getByRole("link", { name: "See what is asked for" }).click();
  await page.getByText("It costs less").waitFor();
}));

test("models hold on a phone", () => withPage({ size: PHONE }, async (page) => {
  await page.goto("/settings?tab=models");
  await page.getByRole("button", { name: "Read ask", exact: true }).waitFor();
  await noSidewaysScroll(page);
  await axe(page, "models on a phone");
  await screenshot(page, "models-phone");
}));
