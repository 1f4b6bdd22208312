import assert from "node:assert/strict";
import { test } from "node:test";
import { problemFrom } from "../../src/api/problem";
import { canaryOf, modelsInWords, modelsOf, modelsText, perMillion, standing, usdOf } from "../../src/settings/models";

test("a price is a plain number of dollars", () => {
  assert.deepEqual(["0.15", " $2 ", "", "-1", "1e3", "a lot"].map(usdOf), [0.15, 2, undefined, undefined, undefined, undefined]);
  assert.deepEqual([0.075, 2.5, 15].map(perMillion), ["$0.075", "$2.50", "$15.00"]);
});

test("models are said as they are asked for", () => {
  assert.equal(modelsInWords({ "*": "*" }), "any model");
  assert.equal(modelsInWords({ "gpt-4o-mini": "gpt-4o-mini", default: "small", fast: "haiku" }), "gpt-4o-mini, where none is named: small, fast: haiku");
  assert.equal(modelsInWords({}), "none");
});

test("a field of models says what it shows", () => {
  assert.equal(modelsOf("  "), null, "any");
  assert.deepEqual(modelsOf("gpt-4o-mini, fast = haiku\ndefault=gpt-4o-mini"), { "gpt-4o-mini": "gpt-4o-mini", fast: "haiku", default: "gpt-4o-mini" });
  assert.equal(modelsText({ "*": "*" }), "");
  for (const text of ["a, b=c", "*, default=x"]) assert.equal(modelsText(modelsOf(text) ?? {}), text);
});

test("the worst breaker is told", () => {
  assert.deepEqual(standing({ breakers: {} }).tone, "unknown");
  assert.deepEqual(standing({ breakers: { a: "closed" } }).tone, "good");
  assert.deepEqual(standing({ breakers: { a: "closed", b: "half_open" } }).words, "Tried again: b");
  assert.deepEqual(standing({ breakers: { a: "open", b: "half_open" } }), { tone: "bad", words: "Left alone: a" });
});

test("a canary that nobody gets is none", () => {
  const label = { label: "canary", hash: "ab", percent: 10, at: "", by: "", because: "" };
  assert.equal(canaryOf({ labels: [label] })?.percent, 10);
  assert.equal(canaryOf({ labels: [{ ...label, percent: 0 }, { ...label, hash: null }, { ...label, label: "production" }] }), null);
});

test("what somebody has to agree to is named", () => {
  assert.equal(problemFrom(409, { code: "approval.required", approval_id: "one" }, null).approvalId, "one");
  assert.equal(problemFrom(409, { code: "approval.required" }, null).approvalId, null);
});
