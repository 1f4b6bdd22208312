// What waits for people: one asks and another decides, against a third Pilothouse where nobody approves their own and
// every question about all flights is too large to run without somebody's word.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, axe, closeBrowser, noSidewaysScroll, openBrowser, PHONE, screenshot, settled, withPage } from "./support.mjs";

const BASE = process.env.PILOTHOUSE_STRICT_URL ?? "";
const ADMIN = { authorization: "Bearer dev_admin_token" };
const FEBRUARY = "How many flights were there in February?";
const MARCH = "How many flights were there in March?";
const DELAYS = "Average departure delay by carrier";

before(openBrowser);
after(closeBrowser);

/** Signs the page in as somebody of this name and role. */
async function signIn(page, subject, role) {
  const made = await page.request.post("/api/v1/tokens", { headers: ADMIN, data: { subject, role, name: subject } });
  assert.equal(made.status(), 201, await made.text());
  const session = await page.request.post("/api/v1/session", { data: { token: (await made.json()).token } });
  assert.equal(session.status(), 200, await session.text());
}

/** Two people, each with a page of their own: one asks at a desk, the other decides on the telephone. */
const withTwo = (size, body) => withPage({ base: BASE }, async (asking) => {
  await signIn(asking, "ada", "member");
  await withPage({ base: BASE, size }, async (deciding) => {
    await signIn(deciding, "bob", "operator");
    await body(asking, deciding);
  });
});

/** Asks what has to wait, and comes back when it does. */
async function askAndWait(page, question) {
  await page.goto("/ask");
  await page.locator("#question").focus();
  await ask(page, question);
  assert.match(await page.locator(".waiting").innerText(), /It goes on by itself/);
}

/** Opens the newest approval of the inbox. */
async function openNewest(page) {
  await page.goto("/approvals");
  await page.locator(".list-table .row-title").first().click();
  await page.getByRole("heading", { name: "Run a query" }).waitFor();
}

test("one asks, another approves on a telephone, and the answer comes by itself", () => withTwo(PHONE, async (ada, bob) => {
  await askAndWait(ada, FEBRUARY);
  await axe(ada, "a question that waits");
  await screenshot(ada, "approval-waiting-desktop");
  await ada.getByRole("link", { name: "See the approval" }).click();
  await ada.getByText("You asked for it yourself").waitFor();
  assert.equal(await ada.getByRole("button", { name: "Approve" }).count(), 0);
  await screenshot(ada, "approval-own-desktop");
  await ada.goBack();

  await bob.goto("/approvals");
  await bob.locator(".rail-count").waitFor();
  await axe(bob, "the inbox");
  await noSidewaysScroll(bob, "the inbox");
  await screenshot(bob, "approvals-phone");
  await openNewest(bob);
  assert.match(await bob.getByLabel("SQL", { exact: true }).innerText(), /flights/);
  await axe(bob, "an approval");
  await noSidewaysScroll(bob, "an approval");
  await screenshot(bob, "approval-phone");
  await bob.getByRole("button", { name: "Approve" }).click();
  await bob.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
  await bob.getByText("Approved and done").first().waitFor();
  await screenshot(bob, "approval-done-phone");

  await ada.getByText("24,951").first().waitFor();
  await screenshot(ada, "approval-answered-desktop");
  const rows = (await (await ada.request.get("/api/v1/audit?limit=200", { headers: ADMIN })).json()).items;
  const told = rows.map((row) => `${row.subject} ${row.action}`);
  for (const wanted of ["ada ask.run", "ada approval.request", "bob approval.approve", "ada approval.use"]) assert.ok(told.includes(wanted), `${wanted} in ${told}`);
}));

test("an approval is read and decided with the keyboard alone", () => withTwo(undefined, async (ada, bob) => {
  await askAndWait(ada, MARCH);
  await openNewest(bob);
  await screenshot(bob, "approval-desktop");
  await bob.keyboard.press("a");
  await bob.getByRole("dialog").waitFor();
  await bob.keyboard.press("Enter");
  await bob.getByText("Approved and done").first().waitFor();
  await ada.getByText("28,834").first().waitFor();

  await ada.goto("/ask");
  await askAndWait(ada, DELAYS);
  await openNewest(bob);
  await bob.keyboard.press("r");
  await bob.getByRole("dialog").getByLabel("Reason").fill("Ask for one carrier.");
  await screenshot(bob, "approval-reject-desktop");
  await bob.keyboard.press("Control+Enter");
  await bob.getByText("Rejected").first().waitFor();
  assert.equal(await settled(ada, DELAYS), "blocked");
  await ada.getByText("bob has rejected it: Ask for one carrier.").waitFor();
  await screenshot(ada, "approval-rejected-desktop");
}));

test("another text than the one that waits is not approved, and whoever asked takes it back", () => withTwo(undefined, async (ada, bob) => {
  await askAndWait(ada, DELAYS);
  const list = (await (await ada.request.get("/api/v1/connections", { headers: ADMIN })).json()).items;
  const sample = list.find((one) => one.read_only_sample);
  const approval = (await (await bob.request.get("/api/v1/approvals")).json()).items[0];
  assert.equal(approval.resource, sample.id);
  // One byte of what is decided about is not one byte of what waits.
  const hash = approval.payload_hash.replace(/^./, (first) => (first === "0" ? "1" : "0"));
  const csrf = (await (await bob.request.get("/api/v1/session")).json()).csrf_token;
  const refused = await bob.request.post(`/api/v1/approvals/${approval.id}/approve`, { headers: { "x-csrf-token": csrf }, data: { payload_hash: hash } });
  assert.equal(refused.status(), 409);
  assert.equal((await refused.json()).code, "approval.void");
  // Whoever asked takes it back on the page.
  await ada.getByRole("link", { name: "See the approval" }).click();
  await ada.getByRole("button", { name: "Take it back" }).click();
  await ada.getByRole("dialog").getByLabel("Reason").fill("Not needed any more.");
  await ada.getByRole("dialog").getByRole("button", { name: "Take it back" }).click();
  await ada.getByText("Taken back").first().waitFor();
  await bob.goto("/approvals");
  await bob.getByText("Nothing waits for you").waitFor();
  await screenshot(bob, "approvals-empty-desktop");
}));

test("what is approved with changes shows them, and the answer says so", () => withTwo(undefined, async (ada, bob) => {
  await askAndWait(ada, "How many flights were there in April?");
  await openNewest(bob);
  await bob.keyboard.press("e");
  const field = bob.getByRole("textbox", { name: "SQL" });
  await field.waitFor();
  await field.fill((await field.inputValue()).replace("2013-04-01", "2013-04-02"));
  const changed = bob.locator(".difference-words");
  assert.match(await changed.locator("ins").allInnerTexts().then((all) => all.join(" ")), /02/);
  await axe(bob, "a changed query");
  await screenshot(bob, "approval-change");
  await bob.getByRole("button", { name: "Approve this" }).click();
  await bob.getByText("bob has changed what ada asked for").waitFor();
  await screenshot(bob, "approval-changed");
  await ada.getByText("Whoever approved this query has changed it").waitFor();
  await screenshot(ada, "approval-changed-answer");
}));

test("somebody stands in until an end, and takes it back", () => withTwo(PHONE, async (ada, bob) => {
  await bob.goto("/approvals?state=delegations");
  await bob.getByLabel("To whom").fill("ada");
  await bob.getByLabel("Why").fill("On leave");
  await axe(bob, "handing over");
  await noSidewaysScroll(bob);
  await screenshot(bob, "approval-hand-over-phone");
  await bob.getByRole("button", { name: "Hand over" }).click();
  await bob.getByText("ada decides").first().waitFor();
  await ada.goto("/approvals?state=delegations");
  await ada.getByText("You decide for bob").first().waitFor();
  await screenshot(ada, "approval-standing-in");
  await bob.getByRole("button", { name: "End it" }).first().click();
  await bob.getByRole("dialog").getByRole("button", { name: "End it" }).click();
  await bob.getByText("Nobody stands in for anybody").waitFor();
}));

test("an admin breaks the glass, and another says whether that was right", () => withTwo(undefined, async (ada, bob) => {
  await askAndWait(ada, "How many flights were there in May?");
  await withPage({ base: BASE }, async (root) => {
    await signIn(root, "root", "admin");
    const waiting = await root.request.get("/api/v1/approvals").then((reply) => reply.json());
    const id = waiting.items[0].id;
    const broken = await root.request.post(`/api/v1/approvals/${id}/break-glass`, { headers: ADMIN, data: { reason: "The month closes in ten minutes." } });
    assert.equal(broken.status(), 200, await broken.text());
    await bob.goto("/approvals");
    await bob.getByText("Given alone: was that right?").waitFor();
    await axe(bob, "what was given alone");
    await screenshot(bob, "approval-given-alone");
    await bob.locator("#unreviewed ~ ul a").first().click();
    await bob.getByLabel("Why").fill("It was.");
    await screenshot(bob, "approval-review");
    await bob.getByRole("button", { name: "It was right" }).click();
    await bob.getByText("bob found that right").waitFor();
  });
}));

test("an admin writes rules that are tried before they hold", () => withPage({ base: BASE }, async (page) => {
  await signIn(page, "root", "admin");
  await page.goto("/approvals?state=rules");
  await page.getByText("Nobody has written any yet.").waitFor();
  const editor = page.getByRole("textbox", { name: /Rules, YAML/ });
  await editor.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText("rules:\n  - name: tokens\n    when: {kinds: [token.*]}\n    then: perhaps\n");
  await page.getByText("Line 4:").waitFor();
  await screenshot(page, "rules-wrong");
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText("rules:\n  - name: no tokens\n    when: {kinds: [token.*]}\n    then: deny\n    because: Ask root\n");
  await page.getByText("would have been decided otherwise").waitFor();
  await axe(page, "rules that are tried");
  await screenshot(page, "rules-tried");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Version 1, saved").waitFor();
  const refused = await page.request.post("/api/v1/tokens", { headers: ADMIN, data: { subject: "eve", role: "viewer" } });
  assert.equal((await refused.json()).code, "policy.denied");
  const cleared = await page.request.put("/api/v1/approvals/rules", { headers: ADMIN, data: { yaml: "rules: []\n" } });
  assert.equal(cleared.status(), 200);
}));
