// Limits in words, and what a field says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { alertText, amountOf, inUnit, latestAlerts, limitTitle } from "../../src/settings/budgets";

test("a limit is titled by whose it is, what it counts and when", () => {
  assert.equal(limitTitle({ level: "user", name: null, unit: "tokens", window: "day" }), "Each user, tokens a day");
  assert.equal(limitTitle({ level: "tenant", unit: "nano_usd", window: "month" }), "All together, money a month");
  assert.equal(limitTitle({ level: "user", name: "ada", unit: "tokens", window: "rolling:7200" }), "user ada, tokens in 2 hours");
});

test("an alert tells which share of how much", () => {
  assert.equal(alertText({ threshold: 80, amount: 50_000, unit: "tokens" }), "80 percent of 50,000 tokens");
  assert.equal(alertText({ threshold: null, amount: 2_000_000_000, unit: "nano_usd" }), "$2.00 will not be enough at this rate");
});

test("of each limit the last share is shown", () => {
  const alert = (name: string, threshold: number | null, since = "2026-11-01T00:00:00Z") => ({ level: "user", name, unit: "tokens", window: "day", amount: 9, threshold, used: 9, since, at: since });
  const all = [alert("ada", 100), alert("ada", 95), alert("bob", 50), alert("ada", 80), alert("ada", 50, "2026-10-31T00:00:00Z")];
  assert.deepEqual(latestAlerts(all), [all[0], all[2], all[4]]);
});

test("an empty field is no limit, and 0 is nothing at all", () => {
  assert.equal(amountOf(" ", "tokens"), null);
  assert.equal(amountOf("0", "nano_usd"), 0);
  assert.equal(amountOf("$1,250.50", "nano_usd"), 1_250_500_000_000);
  for (const wrong of ["-1", "many", "1e9", "0.5", "99999999999999999999"]) assert.equal(amountOf(wrong, "tokens"), undefined, wrong);
  assert.equal(inUnit(1_500_000_000, "nano_usd"), "$1.50");
});
