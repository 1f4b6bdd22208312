// The pure parts behind what is drawn: the timeline's scale, the palette's search, SQL colours, the leading sentence.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunDetail, RunStep } from "../../src/api/types";
import { nextItem } from "../../src/ask/Chips";
import { askedOf, beneath, figureOf, partsOf } from "../../src/ask/sentence";
import { highlight } from "../../src/lib/sql";
import { errorOf, layOut } from "../../src/runs/timeline";
import { search } from "../../src/shell/palette-items";

const T0 = Date.parse("2026-01-01T00:00:00Z");
const at = (ms: number): string => new Date(T0 + ms).toISOString();
const step = (seq: number, from: number, to: number, extra: Partial<RunStep> = {}): RunStep => ({
  seq, path: String(seq), name: "executor", attempt: 1, status: "succeeded", summary: "", started_at: at(from), finished_at: at(to), output: null, error: null, ...extra,
});
const run = (steps: RunStep[], finished: number | null): RunDetail => ({
  id: "r", kind: "ask", version: 1, queue: "ask", priority: 0, title: "t", status: finished === null ? "running" : "succeeded", subject: "s",
  created_at: at(0), due_at: at(0), started_at: at(0), finished_at: finished === null ? null : at(finished), last_progress_at: null,
  attempt: 1, max_attempts: 3, retry_count: 0, progress: 0, cancel_requested: false, error: null, discarded: null,
  input: null, output: null, steps, attempts: [], waits: [], waiting_reason: null,
});

test("bars are drawn to one scale, and long waits have a line of their own", () => {
  const { lines, totalMs } = layOut(run([step(1, 2_000, 4_000), step(2, 4_010, 10_000)], 10_000), T0);
  assert.equal(totalMs, 10_000);
  assert.deepEqual(lines.map((line) => line.kind), ["wait", "step", "step"]);
  assert.deepEqual(lines.map((line) => Math.round(line.bar.startPct)), [0, 20, 40]);
  assert.deepEqual(lines.map((line) => Math.round(line.bar.widthPct)), [20, 20, 60]);
});

test("what a run does now grows until now", () => {
  const { lines, totalMs } = layOut(run([step(1, 0, 100)], null), T0 + 500);
  assert.equal(totalMs, 500);
  const last = lines.at(-1);
  assert.ok(last?.kind === "work");
  assert.equal(last.bar.ms, 400);
});

test("a run that has ended does nothing any more", () => {
  const { lines, totalMs } = layOut(run([step(1, 0, 100)], 400), T0 + 90_000);
  assert.equal(totalMs, 400);
  assert.deepEqual(lines.map((line) => line.kind), ["step"]);
});

test("a run without steps, or with moments that coincide, divides by nothing", () => {
  assert.deepEqual(layOut(run([], 0), T0), { lines: [], totalMs: 0 });
  assert.ok(layOut(run([step(1, 0, 0)], 0), T0).lines.every((line) => Number.isFinite(line.bar.startPct) && Number.isFinite(line.bar.widthPct)));
});

test("the palette prefers the start of a name, and needs every word", () => {
  const items = ["Order items", "flights", "How many flights were there?"].map((label) => ({ label, group: "Tables" }));
  assert.deepEqual(search(items, "fli").map((item) => item.label), ["flights", "How many flights were there?"]);
  assert.deepEqual(search(items, "items order").map((item) => item.label), ["Order items"]);
  assert.deepEqual(search(items, "zzz"), []);
  assert.equal(search(items, " ").length, 3);
});

test("colouring SQL changes no character", () => {
  const sql = "SELECT count(*) AS n -- all\nFROM \"t\" WHERE a = 'it''s' AND b > 1.5e3 /* x */";
  const pieces = highlight(sql);
  assert.equal(pieces.map((piece) => piece.text).join(""), sql);
  const kinds = Object.fromEntries(pieces.map((piece) => [piece.text, piece.kind]));
  assert.equal(kinds["SELECT"], "keyword");
  assert.equal(kinds["count"], "function");
  assert.equal(kinds["'it''s'"], "string");
  assert.equal(kinds["1.5e3"], "number");
  assert.equal(kinds["-- all"], "comment");
});

test("a question back says once what its choices share, and leaves out the list that the buttons are", () => {
  const choices = ["left late (delay above 0)", "came late"].map((label) => ({ label, detail: `Flights, where ${label}; the first only.` }));
  const asked = askedOf("Which do you mean: left late (delay above 0); or came late?", choices);
  assert.deepEqual(asked, {
    heading: "Which do you mean?", shared: "Flights, where …; the first only.",
    choices: [{ label: "Left late", detail: "Delay above 0" }, { label: "Came late", detail: null }],
  });
});

test("a question back that lists no choices, or whose choices differ, stays as it is", () => {
  const choices = [{ label: "2024", detail: "Last year." }, { label: "2025", detail: "This year." }];
  assert.deepEqual(askedOf("For which year?", choices), {
    heading: "For which year?", shared: null, choices: [{ label: "2024", detail: "Last year." }, { label: "2025", detail: "This year." }],
  });
  assert.equal(askedOf("Say more.", []).heading, "Say more.");
});

test("one row leads with its figure and name; more rows or measures have none", () => {
  const carrier = { name: "carrier", type: "string" as const, role: "dimension" as const };
  const flights = { name: "flights", type: "integer" as const, role: "measure" as const, unit: "flights" };
  const none = { kind: "none" as const, title: "", y: [] };
  const row = { carrier: "EV", flights: 1808 };
  const figure = figureOf({ rows: [row], columns: [carrier, flights], chart: none });
  assert.deepEqual(figure, { name: "EV", value: "1,808", unit: "flights" });
  assert.ok(figure);
  assert.equal(beneath("Flights by carrier; the first only: EV, 1,808 flights.", figure), "Flights by carrier; the first only.");
  assert.equal(beneath("EV had most.", figure), "EV had most.");
  assert.equal(figureOf({ rows: [row, row], columns: [carrier, flights], chart: none }), null);
  assert.equal(figureOf({ rows: [row], columns: [carrier, flights, { ...flights, name: "late" }], chart: none }), null);
});

test("what a step failed of is read as steps store it, and never hidden", () => {
  assert.equal(errorOf(step(1, 0, 1)), null);
  assert.deepEqual(errorOf(step(1, 0, 1, { error: { code: "query.timeout", message: "Too slow." } })), { code: "query.timeout", message: "Too slow." });
  assert.deepEqual(errorOf(step(1, 0, 1, { error: { odd: 1 } })), { code: "unknown", message: '{"odd":1}' });
});

test("in a menu arrows go round, letters jump, and other keys are left alone", () => {
  const labels = ["any time", "January", "March", "May"];
  assert.equal(nextItem(labels, 0, "ArrowDown"), 1);
  assert.equal(nextItem(labels, 3, "ArrowDown"), 0);
  assert.equal(nextItem(labels, 0, "ArrowUp"), 3);
  assert.equal(nextItem(labels, 2, "Home"), 0);
  assert.equal(nextItem(labels, 0, "End"), 3);
  assert.equal(nextItem(labels, 0, "m"), 2);
  assert.equal(nextItem(labels, 2, "M"), 3);
  assert.equal(nextItem(labels, 3, "m"), 2);
  assert.equal(nextItem(labels, 0, "x"), null);
  assert.equal(nextItem(labels, 0, "Enter"), null);
});

test("what the heading says is not said again before the result", () => {
  const summary = "Revenue by month; earliest first: 12 rows, highest in Dec 2025.";
  assert.deepEqual(partsOf(summary, "Revenue by month in 2025"), ["Revenue by month; earliest first:", " 12 rows, highest in Dec 2025."]);
  assert.deepEqual(partsOf(summary, "Revenue by month; earliest first"), ["", "12 rows, highest in Dec 2025."]);
  assert.deepEqual(partsOf("no such data", "x"), ["no such data", ""]);
});
