// The other pages against a running Pilothouse: palette, data, settings, signing out and in, and what is not there.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, closeBrowser, expectFocus, openBrowser, pressUntilFocused, sampleAddress, screenshot, withPage } from "./support.mjs";

before(openBrowser);
after(closeBrowser);

test("Ctrl+K reaches a table by name and gives the focus back when closed", () => withPage({}, async (page) => {
  await page.goto("/ask");
  await expectFocus(page, "#question");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /Go to/ }).waitFor();
  await axe(page, "the palette");
  await page.keyboard.press("Escape");
  await expectFocus(page, "#question");
  await page.keyboard.press("Control+k");
  await page.getByRole("option", { name: /^airlines/ }).first().waitFor();
  await page.keyboard.type("airlines");
  await screenshot(page, "palette");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/data\/[^/]+\/airlines$/);
  await page.getByRole("heading", { name: "airlines", level: 1 }).waitFor();
  await page.locator("tbody tr").nth(1).waitFor();
  await axe(page, "a table");
  await screenshot(page, "table");
}));

test("the catalog can be walked from the list of connections with the keyboard", () => withPage({}, async (page) => {
  await page.goto("/data");
  await page.locator(".card").first().waitFor();
  await axe(page, "the connections");
  await screenshot(page, "data");
  await pressUntilFocused(page, "Tab", ".card a");
  await page.keyboard.press("Enter");
  const flights = page.getByRole("row", { name: /^flights/ });
  await flights.waitFor();
  assert.match(await flights.innerText(), /336,776/);
  await axe(page, "a connection");
  await screenshot(page, "connection");
}));

test("what the columns mean is shown in an editor that the content policy allows", () => withPage({}, async (page) => {
  await page.goto(`${await sampleAddress(page)}?tab=meaning`);
  await page.locator(".cm-content").waitFor();
  assert.match(await page.locator(".cm-content").innerText(), /flights/);
  await axe(page, "the editor");
  await screenshot(page, "meaning");
}));

test("who may see what is an editor too, which the sample locks", () => withPage({}, async (page) => {
  await page.goto(`${await sampleAddress(page)}?tab=access`);
  await page.locator(".cm-content").waitFor();
  assert.match(await page.locator(".semantic").innerText(), /Version 0: nothing is protected\.[\s\S]*The sample cannot be changed\./);
  assert.equal(await page.getByRole("button", { name: "Save" }).count(), 0);
  await axe(page, "the access policy");
  await screenshot(page, "access");
}));

test("columns that may hold personal data say what they look like, why, and that they are masked", () => withPage({}, async (page) => {
  await page.goto(`${await sampleAddress(page)}?tab=personal`);
  const email = page.getByRole("row", { name: /^customers\.email/ });
  await email.waitFor();
  assert.match(await email.innerText(), /E-mail addresses\s+Its name speaks of e-mail addresses\. 100 % of its values look like e-mail addresses\.\s+99 %\s+masked\s+not reviewed/);
  assert.equal(await page.getByRole("button", { name: /Not personal/ }).count(), 0);
  await axe(page, "the personal data");
  await screenshot(page, "personal");
}));

test("a folder that is not allowed is refused in words, and nothing is added", () => withPage({ allow: [/status of 4\d\d.*\/api\/v1\/connections/] }, async (page) => {
  await page.goto("/data?add=true");
  const dialog = page.getByRole("dialog", { name: "Add a connection" });
  await dialog.getByRole("textbox", { name: "Name" }).fill("Nowhere");
  await dialog.getByRole("textbox", { name: "Folder" }).fill("/definitely/../not/here");
  await page.keyboard.press("Enter");
  await dialog.getByRole("alert").waitFor();
  await axe(page, "the refused connection");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await page.getByRole("link", { name: "Nowhere" }).count(), 0);
}));

test("an admin makes a token, sees its secret once, and revokes it", () => withPage({}, async (page) => {
  const subject = `browser-test-${Date.now()}`;
  await page.goto("/settings?tab=tokens");
  await page.getByRole("button", { name: "New token" }).press("Enter");
  await page.keyboard.type(subject);
  await page.keyboard.press("Enter");
  const secret = page.locator(".secret code");
  await secret.waitFor();
  const text = await secret.innerText();
  assert.match(text, /^ph_/);
  await axe(page, "a new token");
  await page.getByRole("button", { name: "I have it" }).press("Enter");
  const row = page.getByRole("row", { name: new RegExp(subject) });
  await row.waitFor();
  assert.ok(!(await page.locator("body").innerText()).includes(text), "the secret is still on the page");
  await row.getByRole("button", { name: /Revoke/ }).press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).press("Enter");
  await row.getByText("Revoked").waitFor();
  await axe(page, "the tokens");
}));

for (const tab of ["", "?tab=tenants", "?tab=audit"]) {
  test(`settings${tab} is whole`, () => withPage({}, async (page) => {
    await page.goto(`/settings${tab}`);
    await page.locator("main .props, main tbody tr, main .empty").first().waitFor();
    await axe(page, `settings${tab}`);
    await screenshot(page, `settings${tab.replace("?tab=", "-")}`);
  }));
}

test("signing out stays signed out; a wrong token is refused; development signs in again", () => withPage({ allow: [/status of 401/] }, async (page) => {
  await page.goto("/settings");
  await page.getByRole("button", { name: "Sign out" }).press("Enter");
  await page.getByRole("heading", { name: "Sign in to Pilothouse" }).waitFor();
  await page.reload();
  const field = page.getByLabel("Token");
  await field.waitFor();
  await axe(page, "signing in");
  await field.fill("ph_wrong_token");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  await axe(page, "a wrong token");
  await screenshot(page, "sign-in");
  await page.getByRole("button", { name: "Sign in for development" }).press("Enter");
  await page.getByText("Development mode:").waitFor();
}));

test("an address that leads nowhere says so", () => withPage({ allow: [/status of 404/] }, async (page) => {
  for (const address of ["/nowhere", "/data/nowhere", `${await sampleAddress(page)}/nowhere`, "/runs/nowhere", "/ask/nowhere"]) {
    await page.goto(address);
    await page.getByText("Nothing at this address").first().waitFor();
    await axe(page, address);
  }
}));
