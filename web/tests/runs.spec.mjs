// Runs and queues against a running Pilothouse: a paused queue holds a question, which is cancelled, tried again, changed
// together with others, and answered once the queue is resumed. With the keyboard wherever a person would.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, closeBrowser, expectFocus, noSidewaysScroll, openBrowser, PHONE, screenshot, withPage } from "./support.mjs";

const QUESTION = "How many flights were there in February?";

before(openBrowser);
after(closeBrowser);

const queue = (page) => page.locator(".queue").filter({ has: page.getByRole("heading", { name: "ask", exact: true }) });
const status = (page, word) => page.locator(".props .status", { hasText: word });

async function resume(page) {
  await page.goto("/queues");
  await queue(page).waitFor();
  const button = queue(page).getByRole("button", { name: "Resume" });
  if ((await button.count()) === 0) return;
  await button.click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume the queue" }).click();
  await queue(page).getByRole("button", { name: "Pause" }).waitFor();
}

async function pause(page) {
  await page.goto("/queues");
  await queue(page).getByRole("button", { name: "Pause" }).click();
  const dialog = page.getByRole("dialog");
  await page.keyboard.press("Tab");
  await dialog.getByRole("button", { name: "Pause the queue" }).click();
  await dialog.getByText("Give a reason").waitFor();
  await dialog.getByLabel("Reason").fill("A browser test looks at it");
  await axe(page, "the question before pausing");
  await dialog.getByRole("button", { name: "Pause the queue" }).click();
  await queue(page).getByText("A browser test looks at it").waitFor();
  await axe(page, "a paused queue");
  await screenshot(page, "queue-paused");
}

/** Asks on the Ask page, goes to the list, and opens what was asked from the keyboard; gives back its address. */
async function askAndOpen(page) {
  await page.goto("/ask");
  await expectFocus(page, "#question");
  await page.keyboard.type(QUESTION);
  const begun = page.waitForResponse((response) => response.url().endsWith("/api/v1/agent/run"));
  await page.keyboard.press("Enter");
  await begun;
  await page.goto("/runs?status=queued");
  await page.locator("tbody tr", { hasText: QUESTION }).first().waitFor();
  await page.keyboard.press("j");
  await expectFocus(page, "a.row-title");
  await axe(page, "the list of queued runs");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/runs\/run_/);
  return page.url();
}

async function bulk(page, list, verb) {
  await page.goto(list);
  await page.locator("tbody tr").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.locator(".row-picked").waitFor();
  await page.getByRole("button", { name: new RegExp(`^${verb} 1`) }).click();
  const dialog = page.getByRole("dialog");
  await dialog.locator(".bulk-total", { hasText: "1 run will be" }).waitFor();
  await axe(page, `the preview of ${verb}`);
  await dialog.getByRole("button", { name: `${verb} 1 run`, exact: true }).click();
  await dialog.getByText(/^1 run was /).waitFor();
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await dialog.waitFor({ state: "hidden" });
}

test("a paused queue holds a run, which is cancelled, retried, changed with others, and ends well after all", () => withPage({}, async (page) => {
  await pause(page);
  try {
    const address = await askAndOpen(page);
    await page.getByText("Its queue is paused").first().waitFor();
    await axe(page, "a run that waits");
    await screenshot(page, "run-held");

    await page.getByRole("button", { name: "Cancel" }).press("Enter");
    await page.getByRole("dialog").getByRole("button", { name: "Cancel the run" }).press("Enter");
    await status(page, "Cancelled").waitFor();
    await page.getByRole("button", { name: "Retry" }).press("Enter");
    await page.getByRole("dialog").getByText(/begins with its first/).waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Retry the run" }).press("Enter");
    await status(page, "Queued").waitFor();

    await bulk(page, "/runs?status=queued&queue=ask", "Cancel");
    await page.goto(address);
    await status(page, "Cancelled").waitFor();
    await bulk(page, "/runs?status=cancelled&kind=ask", "Retry");
    await page.goto(address);
    await status(page, "Queued").waitFor();

    // The other page resumes the queue; this one follows by itself.
    const other = await page.context().newPage();
    await resume(other);
    await status(page, "Succeeded").waitFor();
    await page.getByText(/24,951/).first().waitFor();
    await axe(page, "the run after all");
  } finally {
    await resume(page);
  }
}));

test("filters stand in the address, and say so when nothing matches", () => withPage({}, async (page) => {
  await page.goto("/runs");
  await page.getByLabel("Status").selectOption({ label: "Given up" });
  await page.waitForURL(/status=dead/);
  await page.getByRole("heading", { name: "Dead letters", level: 1 }).waitFor();
  await page.getByLabel("Kind").selectOption("ask");
  await page.waitForURL(/kind=ask/);
  assert.equal(await page.getByRole("link", { name: /^Dead letters/ }).getAttribute("aria-current"), "page");
  assert.equal(await page.getByRole("link", { name: "All runs" }).getAttribute("aria-current"), null);
  await page.goto("/runs?queue=no-such-queue");
  await page.getByText("No run matches these filters").waitFor();
  await axe(page, "an empty list of runs");
  await page.getByRole("button", { name: "Show all runs" }).press("Enter");
  await page.waitForURL(/\/runs$/);
}));

test("runs and queues hold on a phone", () => withPage({ size: PHONE }, async (page) => {
  for (const address of ["/runs", "/runs?status=dead", "/runs?status=cancelled", "/queues"]) {
    await page.goto(address);
    await page.locator("main .queue, main tbody tr, main .empty").first().waitFor();
    await noSidewaysScroll(page, address);
    await axe(page, `${address} on a phone`);
  }
}));
