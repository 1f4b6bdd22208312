// What the browser tests share: a browser, pages that fail the test when anything goes wrong unseen (a console error, a
// refused resource, a broken content policy), axe, and screenshots.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const BASE = process.env.PILOTHOUSE_URL ?? "";
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const SCREENSHOTS = process.env.SCREENSHOTS;
const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

let browser;

export async function openBrowser() {
  assert.ok(BASE, "PILOTHOUSE_URL must name a running Pilothouse in development mode with its sample data, for example http://127.0.0.1:8080");
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

export async function closeBrowser() {
  await browser?.close();
}

/** Runs `body` with a fresh visitor's page, and fails when the page complained about anything that `allow` does not name. */
export async function withPage({ base = BASE, size = DESKTOP, dark = false, allow = [] }, body) {
  const context = await browser.newContext({ viewport: size, colorScheme: dark ? "dark" : "light", hasTouch: size === PHONE, baseURL: base });
  const complaints = [];
  await context.exposeFunction("reportPolicyViolation", (text) => complaints.push(text));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      window.reportPolicyViolation(`content policy: ${event.violatedDirective} refused ${event.blockedURI} ${event.sample}`);
    });
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(`page error: ${error.stack ?? error.message}`));
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    const line = `console ${message.type()}: ${message.text()} (${message.location().url})`;
    // A first visit asks for a session and is told 401; the browser logs that by itself.
    const firstVisit = message.text().includes("401") && message.location().url.endsWith("/api/v1/session");
    if (!firstVisit && !allow.some((pattern) => pattern.test(line))) complaints.push(line);
  });
  page.setDefaultTimeout(20_000);
  try {
    await body(page);
    assert.deepEqual(complaints, [], "the page complained");
  } finally {
    await context.close();
  }
}

/** The address of the sample connection, which a person reaches from the list of connections. */
export async function sampleAddress(page) {
  await page.goto("/data");
  return page.locator(".card", { hasText: "sample" }).first().getByRole("link").first().getAttribute("href");
}

export async function axe(page, where) {
  // Evaluated by the debugger, so that the content policy need not be loosened for it.
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    // What fades in has its colours only at the end.
    const ends = (animation) => Number.isFinite(animation.effect?.getComputedTiming().endTime);
    await Promise.allSettled(document.getAnimations().filter(ends).map((animation) => animation.finished));
    const result = await window.axe.run(document, { resultTypes: ["violations"] });
    return result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).join(", ")}`);
  });
  assert.deepEqual(found, [], `axe on ${where}`);
}

export async function noSidewaysScroll(page, where) {
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(excess <= 0, `${where} is ${excess} pixels wider than the screen`);
}

export async function screenshot(page, name) {
  if (!SCREENSHOTS) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), animations: "disabled" });
}

/** Types a question into the box, which must already have the focus, and waits for whatever becomes of it. */
export async function ask(page, question) {
  await expectFocus(page, "#question");
  await page.keyboard.type(question);
  await page.keyboard.press("Enter");
  await settled(page, question);
}

/** Waits until the last question has an answer of any kind; gives back the kind. */
export async function settled(page, question) {
  const turn = page.locator(".turn").last();
  await turn.getByRole("heading", { name: question }).waitFor();
  await turn.and(page.locator('[aria-busy="false"]')).waitFor();
  const kinds = await turn.locator(".answer").evaluateAll((nodes) => nodes.map((node) => node.className.replace(/^.*answer-/, "")));
  assert.equal(kinds.length, 1, `“${question}” has no answer: ${await turn.innerText()}`);
  return kinds[0];
}

export async function expectFocus(page, selector) {
  await page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector);
}

/** Presses a key until something that matches has the focus; fails when it cannot be reached. */
export async function pressUntilFocused(page, key, selector, limit = 60) {
  for (let presses = 0; presses < limit; presses += 1) {
    await page.keyboard.press(key);
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
  }
  assert.fail(`${selector} cannot be reached with ${key}`);
}
