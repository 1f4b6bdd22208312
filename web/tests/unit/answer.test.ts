// Answers that lack parts are shown as far as they go.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readAnswer } from "../../src/api/answer";

test("missing lists and objects are filled, given ones are kept", () => {
  const answer = readAnswer({ response_type: "query_result", summary: "s", data: { rows: [{ n: 1, name: "a" }], cost: { estimated_usd: "0.5" }, chart: null } }, "run-1");
  assert.ok(answer?.response_type === "query_result");
  assert.equal(answer.run_id, "run-1");
  assert.deepEqual(answer.warnings, []);
  assert.deepEqual(answer.data.understanding.chips, []);
  assert.deepEqual(answer.data.cost, { bytes_scanned: null, estimated_usd: "0.5" });
  assert.deepEqual(answer.data.chart, { kind: "none", title: "", y: [] });
  assert.deepEqual(answer.data.columns, [{ name: "n", type: "number", role: "measure" }, { name: "name", type: "string", role: "dimension" }]);
});

test("what is no answer is none, and an unknown kind is an error in words", () => {
  assert.equal(readAnswer(null, null), null);
  assert.equal(readAnswer({ summary: "x" }, null), null);
  const answer = readAnswer({ response_type: "hologram" }, null);
  assert.ok(answer?.response_type === "error");
  assert.match(answer.data.errors[0] ?? "", /hologram/);
});

test("every kind survives without its data", () => {
  for (const kind of ["query_result", "clarification", "refused", "blocked", "error", "partial_failure", "queued"]) {
    assert.equal(readAnswer({ response_type: kind }, "r")?.response_type, kind);
  }
});
