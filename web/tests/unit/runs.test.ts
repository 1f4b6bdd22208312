// The pure parts behind runs and queues: attempts and waits in the timeline, the words, what may be done with many at
// once, what a live list holds back, and which place an address belongs to.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Queue, RunAttempt, RunDetail, RunStep } from "../../src/api/types";
import { layOut } from "../../src/runs/timeline";
import { bulkActions, canRetry, endOf, heldBack, limitsOf, MAX_IDS, mayChange, nowAfter, outcomeOf, stateOf, whyNotYet, wishOf } from "../../src/runs/words";
import { places, stretches } from "../../src/runs/logs";
import { pageAt } from "../../src/shell/pages";

const T0 = Date.parse("2026-01-01T00:00:00Z");
const at = (ms: number): string => new Date(T0 + ms).toISOString();
const step = (seq: number, from: number, to: number, extra: Partial<RunStep> = {}): RunStep => ({
  seq, path: String(seq), name: "executor", attempt: 1, status: "succeeded", summary: "", started_at: at(from), finished_at: at(to), output: null, error: null, ...extra,
});
const attempt = (number: number, from: number, to: number | null, outcome: string, code?: string): RunAttempt => ({
  attempt: number, started_at: at(from), finished_at: to === null ? null : at(to), outcome, error: code ? { code, message: "It broke." } : null,
});
const run = (extra: Partial<RunDetail>): RunDetail => ({
  id: "r", kind: "ask", version: 1, queue: "ask", priority: 0, title: "t", status: "running", subject: "s",
  created_at: at(0), due_at: at(0), started_at: at(0), finished_at: null, last_progress_at: null,
  attempt: 1, max_attempts: 3, retry_count: 0, progress: 0, cancel_requested: false, error: null, discarded: null,
  input: null, output: null, steps: [], attempts: [], waits: [], waiting_reason: null, ...extra,
});

test("each attempt that ended badly has a line after its steps, with the wait before the next", () => {
  const { lines } = layOut(run({
    status: "succeeded", finished_at: at(12_000),
    steps: [step(1, 100, 1_000), step(5, 8_000, 12_000, { attempt: 2 })],
    attempts: [attempt(1, 0, 4_000, "failed", "llm.unreachable"), attempt(2, 8_000, 12_000, "succeeded")],
  }), T0 + 60_000);
  assert.deepEqual(lines.map((line) => line.kind), ["step", "end", "wait", "step"]);
  const [, end, wait] = lines;
  assert.ok(end?.kind === "end" && wait?.kind === "wait");
  assert.equal(endOf(end.attempt), "Attempt 1 failed");
  assert.deepEqual([end.bar.startPct, end.bar.ms], [0, 4_000]);
  assert.deepEqual([wait.why, wait.ms, wait.open], ["Waited before trying again", 4_000, false]);
});

test("a failing step that says it already is not followed by its attempt saying it again", () => {
  const failing = step(1, 100, 1_000, { status: "failed", error: { code: "query.timeout", message: "Too slow." } });
  const attempts = [attempt(1, 0, 1_000, "failed", "query.timeout")];
  assert.deepEqual(layOut(run({ status: "failed", finished_at: at(1_000), steps: [failing], attempts }), T0).lines.map((line) => line.kind), ["step"]);
});

test("a worker that vanished told no end: its attempt ends where the next begins", () => {
  const { lines } = layOut(run({ attempts: [attempt(1, 0, null, "interrupted"), attempt(2, 5_000, null, "running")] }), T0 + 9_000, "Running the query");
  const [end, work] = lines;
  assert.ok(end?.kind === "end" && work?.kind === "work");
  assert.equal(end.bar.ms, 5_000);
  assert.deepEqual([work.why, work.ms], ["Running the query", 4_000]);
});

test("what has not begun waits until now, and says why", () => {
  const { lines, totalMs } = layOut(run({ status: "queued", waiting_reason: "queue_paused" }), T0 + 3_000);
  assert.equal(totalMs, 3_000);
  const [wait] = lines;
  assert.ok(wait?.kind === "wait");
  assert.deepEqual([wait.why, wait.ms, wait.open], ["Its queue is paused", 3_000, true]);
});

test("why a run waits is said in words, also where the server knows more reasons than the page", () => {
  const wait = (kind: string) => whyNotYet(run({ status: "waiting", waits: [{ path: "1", kind, name: "go", since: at(0), until: null }] }));
  assert.equal(wait("approval"), "Waits for a decision");
  assert.equal(wait("time"), "Waits for its time");
  assert.equal(wait("signal"), "Waits for the signal “go”");
  assert.equal(whyNotYet(run({ status: "waiting" })), "Waits");
  assert.equal(whyNotYet(run({ status: "queued", waiting_reason: "moon_phase" })), "Waits for a worker");
});

test("only what ended badly and was not discarded is retried, and only by its own member or an operator", () => {
  assert.deepEqual(["queued", "running", "waiting", "succeeded", "failed", "cancelled", "dead"].filter((status) => canRetry(run({ status }))), ["failed", "cancelled", "dead"]);
  assert.equal(canRetry(run({ status: "dead", discarded: { at: at(0), by: "a", reason: "r" } })), false);
  const may = (role: string, subject: string): boolean => mayChange({ role, subject }, run({ subject: "ada" }));
  assert.deepEqual([may("viewer", "ada"), may("member", "ada"), may("member", "bob"), may("operator", "bob"), may("unheard of", "ada")], [false, true, false, true, false]);
});

test("many at once: the actions of a status, the ids or else the whole filter, and an honest outcome", () => {
  assert.deepEqual(bulkActions("dead"), ["retry", "discard"]);
  assert.deepEqual(bulkActions("succeeded"), []);
  assert.deepEqual(bulkActions(undefined), []);
  assert.deepEqual(wishOf("retry", { status: "dead", queue: "ask" }, []), { action: "retry", filter: { status: ["dead"], queue: "ask" } });
  assert.deepEqual(wishOf("discard", { status: "dead" }, ["a"]), { action: "discard", filter: { status: ["dead"], ids: ["a"] } });
  assert.equal(wishOf("retry", {}, Array.from({ length: MAX_IDS + 5 }, String)).filter.ids?.length, MAX_IDS);
  assert.equal(outcomeOf("retry", { changed: 1, skipped: 0 }), "1 run was tried again.");
  assert.equal(outcomeOf("discard", { changed: 1_200, skipped: 2 }), "1,200 runs were discarded. 2 runs had changed meanwhile and were left alone.");
});

test("a live list that somebody looks at closely keeps new runs back, but not older ones that were asked for", () => {
  const runs = ["new", "b", "a", "older"].map((id) => ({ id }));
  assert.deepEqual(heldBack(runs, null), { shown: runs, held: 0 });
  const { shown, held } = heldBack(runs, new Set(["a", "b"]));
  assert.deepEqual([shown.map((one) => one.id), held], [["b", "a", "older"], 1]);
  assert.equal(heldBack(runs, new Set(["gone"])).held, 0);
});

test("what a run does now is told by its events until they say otherwise", () => {
  const began = nowAfter({ step: null, percent: null }, { name: "step", data: { name: "executor", status: "started" } });
  assert.equal(began.step, "executor");
  assert.equal(nowAfter(began, { name: "step", data: { name: "planner", status: "succeeded" } }).step, "executor");
  assert.equal(nowAfter(began, { name: "step", data: { name: "executor", status: "succeeded" } }).step, null);
  assert.equal(nowAfter(began, { name: "state", data: { status: "queued" } }).step, null);
  assert.deepEqual(nowAfter(began, { name: "progress", data: { percent: 40 } }), { step: "executor", percent: 40 });
});

test("a queue's state is the worst that is true of it, and its limits are sentences", () => {
  const queue = (extra: Partial<Queue>) => stateOf({ paused: null, workers: 1, queued: 0, running: 0, oldest_wait_seconds: null, limits: {}, ...extra });
  assert.equal(queue({}), "idle");
  assert.equal(queue({ running: 1 }), "working");
  assert.equal(queue({ queued: 3, oldest_wait_seconds: 61 }), "behind");
  assert.equal(queue({ workers: 0, queued: 3 }), "unserved");
  assert.equal(queue({ limits: { total: 0 } }), "closed");
  assert.equal(queue({ limits: { total: 9, per_tenant: 0 } }), "closed");
  assert.equal(queue({ limits: { total: 1, per_key: 0 } }), "idle");
  assert.equal(queue({ workers: 0, paused: { at: at(0), by: "a", reason: null } }), "paused");
  assert.deepEqual(limitsOf({ total: null, per_tenant: null, per_key: null, rate: null }), []);
  assert.deepEqual(limitsOf({ total: 8, per_tenant: 0, per_key: null, rate: { starts: 100, per_seconds: 60 } }), ["8 at work", "nothing may begin", "100 starts in 1 min"]);
});

test("logged lines stand under the step that wrote them, each try by itself", () => {
  const line = (seq: number, place: number | null, of = 1) => ({ seq, at: at(seq), attempt: of, level: "info", message: "m", step: place });
  const found = stretches([line(1, null), line(2, 1), line(3, 1), line(4, 2), line(6, 2, 2), line(7, null, 2)]);
  assert.deepEqual(found.map(({ place, attempt: of, lines }) => [place, of, lines.map(({ seq }) => seq)]), [[null, 1, [1]], [1, 1, [2, 3]], [2, 1, [4]], [2, 2, [6]], [null, 2, [7]]]);
  assert.deepEqual(stretches([]), []);
  assert.deepEqual([...places([{ path: "1", name: "planner" }, { path: "2/0/1", name: "read" }, { path: "2/1/1", name: "write" }, { path: "", name: "odd" }])], [[1, "planner"], [2, "read"]]);
});

test("an address belongs to the place whose own address it is or stands beneath", () => {
  assert.deepEqual(["/runs", "/runs/run_1", "/queues", "/schedules/sch_1", "/runsome", "/ask/run_1"].map((address) => pageAt(address)?.label), ["Runs", "Runs", "Queues", "Schedules", undefined, "Ask"]);
});
