// Every page at both sizes and in both colours: nothing wider than the screen, nothing axe objects to, the bar where a
// thumb finds it; and the weight of the first page.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ask, axe, BASE, closeBrowser, DESKTOP, noSidewaysScroll, openBrowser, PHONE, sampleAddress, screenshot, withPage } from "./support.mjs";

const PAGES = ["/ask", "/runs", "/runs?status=dead", "/queues", "/schedules", "/schedules?add=true", "/data", "/data/{sample}", "/data/{sample}/flights", "/data/{sample}?tab=meaning", "/data/{sample}?tab=access", "/settings", "/settings?tab=tokens", "/settings?tab=audit"];
const FIRST_SCRIPT_LIMIT_BYTES = 300_000;

before(openBrowser);
after(closeBrowser);

async function ready(page, address) {
  await page.goto(address);
  await page.locator("main h1").first().waitFor();
  await page.waitForFunction(() => document.querySelector("main .bone") === null);
}

for (const [device, size] of [["desktop", DESKTOP], ["phone", PHONE]]) {
  for (const dark of [false, true]) {
    const look = `${device}-${dark ? "dark" : "light"}`;
    test(`every page holds on a ${device}, ${dark ? "dark" : "light"}`, () => withPage({ size, dark }, async (page) => {
      const sample = await sampleAddress(page);
      for (const name of PAGES) {
        const address = name.replace("/data/{sample}", sample);
        await ready(page, address);
        assert.equal(await page.getByText("Nothing at this address").count(), 0, `${address} leads nowhere`);
        await noSidewaysScroll(page, `${name} (${look})`);
        await axe(page, `${name} (${look})`);
        await screenshot(page, `${look}${name.replace(/[/?={}]+/g, "-")}`);
      }
    }));

    test(`an answer with a chart holds on a ${device}, ${dark ? "dark" : "light"}`, () => withPage({ size, dark }, async (page) => {
      await ready(page, "/ask");
      await page.locator("#question").focus();
      await ask(page, "Average departure delay by carrier");
      await page.locator("canvas").waitFor();
      await noSidewaysScroll(page, `the answer (${look})`);
      await axe(page, `the answer (${look})`);
      await screenshot(page, `${look}-answer`);
      await page.getByRole("button", { name: /^Metric/ }).click();
      await page.getByRole("menu").waitFor();
      await noSidewaysScroll(page, `the menu (${look})`);
      const menu = await page.getByRole("menu").boundingBox();
      assert.ok(menu && menu.y >= 0 && menu.y + menu.height <= size.height, `the menu leaves the screen (${look})`);
      await axe(page, `the menu (${look})`);
      await page.mouse.click(size.width / 2, 4);
      await page.getByRole("menu").waitFor({ state: "detached" });
    }));
  }
}

test("on a phone the pages are a bar at the bottom, and there is one tap to each", () => withPage({ size: PHONE }, async (page) => {
  await ready(page, "/ask");
  const bar = await page.getByRole("navigation", { name: "Pages" }).boundingBox();
  assert.ok(bar && Math.abs(bar.y + bar.height - PHONE.height) < 1, "the bar is not at the bottom");
  for (const [name, address] of [["Runs", "/runs"], ["Queues", "/queues"], ["Schedules", "/schedules"], ["Data", "/data"], ["Settings", "/settings"], ["Ask", "/ask"]]) {
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name }).tap();
    await page.waitForURL(new RegExp(`${address}$`));
  }
}));

test("the first page is light, and fetches neither charts nor editor", () => withPage({}, async (page) => {
  const scripts = [];
  page.on("response", (response) => {
    if (response.request().resourceType() === "script") scripts.push(response);
  });
  await ready(page, "/ask");
  await page.waitForLoadState("networkidle");
  const bodies = await Promise.all(scripts.map(async (response) => [response.url(), gzipSync(await response.body()).length]));
  const total = bodies.reduce((sum, [, bytes]) => sum + bytes, 0);
  assert.ok(total > 0 && total < FIRST_SCRIPT_LIMIT_BYTES, `${total} bytes: ${JSON.stringify(bodies)}`);
  assert.ok(!bodies.some(([url]) => /chart|Yaml/.test(url)), "charts or the editor came with the first page");
  assert.ok(bodies.every(([url]) => url.startsWith(BASE)), "a script came from elsewhere");
}));

test("the chosen colours stay, and beat the system's", () => withPage({ dark: true }, async (page) => {
  await ready(page, "/settings");
  await page.getByRole("radio", { name: "Light" }).press("Space");
  await page.reload();
  await page.locator("main h1").first().waitFor();
  const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(ground, "rgb(255, 255, 255)");
}));
