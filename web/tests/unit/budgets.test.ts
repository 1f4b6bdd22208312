// Limits in words, and what a field says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { amountOf, inUnit, limitTitle } from "../../src/settings/budgets";

test("a limit is titled by whose it is, what it counts and when", () => {
  assert.equal(limitTitle({ level: "user", name: null, unit: "tokens", window: "day" }), "Each user, tokens a day");
  assert.equal(limitTitle({ level: "tenant", unit: "nano_usd", window: "month" }), "All together, money a month");
  assert.equal(limitTitle({ level: "user", name: "ada", unit: "tokens", window: "rolling:7200" }), "user ada, tokens in 2 hours");
});

test("an empty field is no limit, and 0 is nothing at all", () => {
  assert.equal(amountOf(" ", "tokens"), null);
  assert.equal(amountOf("0", "nano_usd"), 0);
  assert.equal(amountOf("$1,250.50", "nano_usd"), 1_250_500_000_000);
  for (const wrong of ["-1", "many", "1e9", "0.5", "99999999999999999999"]) assert.equal(amountOf(wrong, "tokens"), undefined, wrong);
  assert.equal(inUnit(1_500_000_000, "nano_usd"), "$1.50");
});
