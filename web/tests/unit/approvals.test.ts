// The pure parts behind approvals: what they are called, their figures, and for whom they are.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApprovalDetail } from "../../src/api/types";
import { effectOf, figureOf, isFor, neededOf, objectionTo, sqlOf, titleOf } from "../../src/approvals/words";

const approval = (extra: Partial<ApprovalDetail>): ApprovalDetail => ({
  id: "apr_1", state: "pending", kind: "query.run", resource: "conn_1", payload_hash: "00", payload: { sql: "SELECT 1" }, facts: {}, requested_by: "ada",
  requested_at: "2026-01-01T00:00:00Z", rule: null, because: "", needs: { count: 1, role: "operator" }, run_id: null, changed_at: "2026-01-01T00:00:00Z",
  changed_by: null, changed_because: null, expires_at: null, votes: [], may_decide: false, objection: null,
  asked_payload: null, edited_by: null, escalated_at: null, broken: null, may_break: false, may_review: false, ...extra,
});

test("what would be done is said in words, and an action that the page does not know by its own name", () => {
  assert.equal(titleOf(approval({})), "Run a query");
  assert.equal(titleOf(approval({ kind: "queue.pause" })), "queue.pause");
  assert.equal(sqlOf(approval({})), "SELECT 1");
  assert.equal(sqlOf(approval({ payload: { plan_hash: "p" } })), null);
});

test("a figure is a number, unknown, or nothing that such actions have", () => {
  const facts = { bytes: { is: 7 }, rows: "unknown", risk: "none" };
  assert.deepEqual(["bytes", "rows", "risk", "cost"].map((name) => figureOf(facts, name)), [7, "unknown", null, null]);
  assert.equal(figureOf(null, "bytes"), null);
});

test("the inbox of a person has what others asked for and their role decides", () => {
  const bob = { role: "operator", subject: "bob", mode: "production" };
  assert.equal(isFor(bob, approval({})), true);
  assert.equal(isFor({ ...bob, subject: "ada" }, approval({})), false);
  assert.equal(isFor({ ...bob, role: "member" }, approval({})), false);
  assert.equal(neededOf(approval({ needs: { count: 2, role: "admin" } })), "2 admins");
});

test("why somebody may not decide is said only where something is left to decide", () => {
  assert.match(objectionTo(approval({ objection: "own_request" })) ?? "", /somebody else decides: one operator/);
  assert.equal(objectionTo(approval({ objection: "closed" })), null);
  assert.equal(objectionTo(approval({ may_decide: true })), null);
});

test("what becomes of an action is said in words", () => {
  assert.deepEqual(["allow", "deny", { approvals: { count: 2, of: "admin" } }, "maybe"].map(effectOf), ["done at once", "not done", "waits for 2 admins", "decided in an unknown way"]);
});
