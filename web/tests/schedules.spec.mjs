// Schedules and limits against a running Pilothouse: a schedule is made with its next ticks in sight, paused, run by hand,
// changed and removed; a queue is closed by a limit and opened again. With the keyboard wherever a person would.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, closeBrowser, expectFocus, noSidewaysScroll, openBrowser, PHONE, screenshot, withPage } from "./support.mjs";

const QUESTION = "How many flights were there in February?";
const NAME = "February, every morning";
/** What the server refuses here on purpose, which the browser notes by itself. */
const REFUSALS = [/status of 4(09|22).*\/api\/v1\/schedules/];

before(openBrowser);
after(closeBrowser);

const dialogOf = (page) => page.getByRole("dialog");
const status = (page, word) => page.locator(".props .status", { hasText: word });
const queue = (page) => page.locator(".queue").filter({ has: page.getByRole("heading", { name: "ask", exact: true }) });

async function confirm(page, button, verb) {
  await page.getByRole("button", { name: button, exact: true }).press("Enter");
  await axe(page, `the question before “${verb}”`);
  await dialogOf(page).getByRole("button", { name: verb }).press("Enter");
}

/** Fills the form, which must be open, and goes through what can be wrong with it on the way. */
async function make(page) {
  const dialog = dialogOf(page);
  const name = dialog.getByLabel("Name");
  await name.waitFor();
  await page.keyboard.press("Enter");
  await dialog.getByText("Give it a name.").waitFor();
  await page.waitForFunction(() => document.activeElement?.getAttribute("aria-invalid") === "true");
  await page.keyboard.type(NAME);
  await page.keyboard.press("Tab");
  await page.keyboard.type(QUESTION);
  await dialog.getByRole("radio", { name: "Cron" }).check();
  const cron = dialog.getByLabel("Cron expression");
  await cron.fill("61 9 * * *");
  await dialog.getByText("61 is outside of 0 to 59").waitFor();
  assert.equal(await cron.getAttribute("aria-invalid"), "true");
  await axe(page, "a cron expression that cannot be");
  await cron.fill("0 9 * * 1-5");
  const zone = dialog.getByLabel("Time zone");
  await zone.fill("Mars/Olympus");
  await dialog.getByText("is not a time zone").waitFor();
  await zone.fill("Europe/Berlin");
  await dialog.locator(".preview li", { hasText: "09:00" }).nth(4).waitFor();
  await dialog.getByText("is not a time zone").waitFor({ state: "detached" });
  await axe(page, "the filled form");
  await screenshot(page, "schedule-form");
  await zone.press("Enter");
}

/** Leaves the list open, without the schedule of this test. */
async function removeLeftover(page) {
  await page.goto("/schedules");
  const link = page.getByRole("link", { name: NAME, exact: true });
  await page.locator("main .empty, main tbody tr").first().waitFor();
  if ((await link.count()) === 0) return;
  await link.click();
  await confirm(page, "Remove", "Remove the schedule");
  await page.waitForURL(/\/schedules$/);
}

test("a schedule is made with its next ticks in sight, paused, run by hand, changed and removed", () => withPage({ allow: REFUSALS }, async (page) => {
  await removeLeftover(page);
  await axe(page, "no such schedule");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /Go to/ }).waitFor();
  await page.keyboard.type("New schedule");
  await page.keyboard.press("Enter");
  await make(page);
  try {
    await page.waitForURL(/\/schedules\/sch_/);
    await page.getByRole("heading", { name: NAME, level: 1 }).waitFor();
    const address = page.url();
    await page.getByText("Monday to Friday at 09:00").waitFor();
    await page.locator(".ticks li", { hasText: "09:00" }).nth(4).waitFor();
    assert.equal(await page.locator(".ticks li", { hasText: "09:00" }).count(), 5);
    await axe(page, "a schedule");
    await screenshot(page, "schedule");

    await confirm(page, "Pause", "Pause the schedule");
    await status(page, "Paused").waitFor();
    await page.getByText("It does not tick until somebody resumes it").waitFor();
    await axe(page, "a paused schedule");
    await confirm(page, "Run now", "Run it now");
    await page.waitForURL(/\/runs\/run_/);
    await status(page, "Succeeded").waitFor();
    await page.goto(address);
    await page.locator("tbody tr", { hasText: QUESTION }).locator(".status", { hasText: "Succeeded" }).waitFor();
    await confirm(page, "Resume", "Resume the schedule");
    await status(page, "Active").waitFor();

    await page.getByRole("button", { name: "Edit" }).press("Enter");
    assert.equal(await dialogOf(page).getByLabel("At", { exact: true }).inputValue(), "09:00");
    await dialogOf(page).getByRole("checkbox", { name: "Fri" }).press("Space");
    await dialogOf(page).getByRole("button", { name: "Save the schedule" }).press("Enter");
    await page.getByText("0 9 * * 1,2,3,4").waitFor();

    await page.keyboard.press("g");
    await page.keyboard.press("e");
    await page.waitForURL(/\/schedules$/);
    await page.locator("tbody tr", { hasText: NAME }).waitFor();
    await axe(page, "the list of schedules");
    await page.getByRole("button", { name: "New schedule" }).press("Enter");
    await dialogOf(page).getByLabel("Name").fill(NAME);
    await dialogOf(page).getByLabel("Question").fill(QUESTION);
    await dialogOf(page).getByRole("button", { name: "Make the schedule" }).press("Enter");
    await dialogOf(page).getByText("has a schedule with this name").waitFor();
    await page.keyboard.press("Escape");
    await dialogOf(page).waitFor({ state: "hidden" });
    await page.keyboard.press("j");
    await expectFocus(page, "a.row-title");
    await page.keyboard.press("Enter");
    await page.waitForURL(address);
    await confirm(page, "Remove", "Remove the schedule");
    await page.waitForURL(/\/schedules$/);
    await page.getByRole("link", { name: NAME, exact: true }).waitFor({ state: "detached" });
  } finally {
    await removeLeftover(page);
  }
}));

async function limit(page, tenant) {
  await page.goto("/queues");
  await queue(page).getByRole("button", { name: "Limits" }).press("Enter");
  await dialogOf(page).getByLabel("At work at once for one tenant").fill(tenant);
  await dialogOf(page).getByRole("button", { name: "Save the limits" }).press("Enter");
}

test("a limit that cannot be is told at its field, and 0 closes a queue until it is lifted", () => withPage({}, async (page) => {
  try {
    await limit(page, "10001");
    await dialogOf(page).getByText("A whole number from 0 to 10,000").waitFor();
    await expectFocus(page, "[aria-invalid]");
    await axe(page, "a limit that cannot be");
    await page.keyboard.press("Escape");
    await dialogOf(page).waitFor({ state: "hidden" });
    await limit(page, "0");
    await queue(page).getByText("Closed by a limit").waitFor();
    await queue(page).getByText("nothing may begin").waitFor();
  } finally {
    await limit(page, "");
    await queue(page).getByText("Closed by a limit").waitFor({ state: "detached" });
  }
  await dialogOf(page).waitFor({ state: "hidden" });
}));

test("the forms of schedules and limits hold on a phone", () => withPage({ size: PHONE }, async (page) => {
  await page.goto("/schedules?add=true");
  const dialog = dialogOf(page);
  for (const mode of ["Cron", "Every …", "On days"]) {
    await dialog.getByRole("radio", { name: mode }).check();
    await noSidewaysScroll(page, `the form, ${mode}`);
    const excess = await dialog.evaluate((element) => element.scrollWidth - element.clientWidth);
    assert.ok(excess <= 0, `the form (${mode}) is ${excess} pixels too wide`);
  }
  await dialog.getByRole("button", { name: /cannot simply run/ }).tap();
  await dialog.getByLabel("After ticks were missed").selectOption("bounded");
  await dialog.getByLabel("How many of the newest").waitFor();
  // Ticks that are being worked out anew are dimmed.
  await dialog.locator(".preview:not(.preview-old) li").nth(4).waitFor();
  await axe(page, "the form on a phone");
  await page.goto("/queues");
  await queue(page).getByRole("button", { name: "Limits" }).tap();
  await noSidewaysScroll(page, "the limits on a phone");
  await axe(page, "the limits on a phone");
}));
