// How numbers, moments and names are written.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Cell, ResultColumn } from "../../src/api/types";
import { formatBytes, formatCell, formatDuration, formatNumber, formatUsd, isNumeric, shortId, styleOf, toCsv, unitBeside } from "../../src/lib/format";
import { between, relativeTime } from "../../src/lib/time";

test("numbers carry separators and the decimals that matter", () => {
  assert.equal(formatNumber(24951), "24,951");
  assert.equal(formatNumber(12.3456), "12.35");
  assert.equal(formatNumber(0.00123), "0.00123");
  assert.equal(formatNumber(-0), "0");
});

type Case = { value: Cell; type: ResultColumn["type"]; role: ResultColumn["role"]; unit?: string; grain?: ResultColumn["grain"]; text: string | null };
const CASES = JSON.parse(readFileSync(new URL("../../../crates/domain/tests/cells.json", import.meta.url), "utf8")) as Case[];

test("cells are written as the server writes them: months, money, digits", () => {
  assert.ok(CASES.length > 30);
  for (const { value, text, ...column } of CASES) assert.equal(formatCell(value, { name: "c", ...column }), text, JSON.stringify({ value, ...column }));
});

test("bytes, durations and money carry their units", () => {
  assert.equal(formatBytes(999), "999 B");
  assert.equal(formatBytes(1_348_112), "1.3 MB");
  assert.equal(formatBytes(2_000), "2 kB");
  assert.equal(formatDuration(0.2), "under 1 ms");
  assert.equal(formatDuration(38), "38 ms");
  assert.equal(formatDuration(1_500), "1.5 s");
  assert.equal(formatDuration(125_000), "2 min 5 s");
  assert.deepEqual([59_700, 119_700, 7_200_000, 5_460_000].map(formatDuration), ["1 min", "2 min", "2 h", "1 h 31 min"]);
  assert.equal(formatUsd("0"), "$0.00");
  assert.equal(formatUsd("0.00042"), "$0.00042");
  assert.equal(formatUsd("1234.5"), "$1,234.50");
});

test("a column of numbers has decimals of one length, money always two", () => {
  const revenue = { name: "revenue", type: "number" as const, role: "measure" as const, unit: "USD" };
  const delay = { name: "delay", type: "number" as const, role: "measure" as const, unit: "min" };
  assert.equal(formatCell(300000, revenue, styleOf([300000], revenue)), "300,000.00");
  assert.equal(formatCell(19, delay, styleOf([16.73, 19, null], delay)), "19.00");
  assert.equal(formatCell(19, delay, styleOf([19, 20], delay)), "19");
  assert.equal(formatCell(0.0004, delay, styleOf([0.0004, 16.73], delay)), "0.0004");
  assert.equal(formatCell(0.12, delay, styleOf([0.0357, 0.12], delay)), "0.1200");
});

test("numerals stand to the right, months by name do not", () => {
  assert.equal(isNumeric({ type: "integer" }), true);
  assert.equal(isNumeric({ type: "integer", grain: "month_of_year" }), false);
  assert.equal(isNumeric({ type: "string" }), false);
});

test("a unit is not said twice", () => {
  assert.equal(unitBeside({ name: "active_users", unit: "users" }), null);
  assert.equal(unitBeside({ name: "avg_dep_delay", unit: "min" }), "min");
});

test("ids are cut to the half that differs", () => {
  assert.equal(shortId("sample"), "sample");
  assert.equal(shortId("01939f2e-7c1a-7d3b-9e4f-00a1b2c3d4e5"), "b2c3d4e5");
});

test("CSV is quoted, and formulas are disarmed", () => {
  const columns = [{ name: "a,b", type: "string" as const, role: "dimension" as const }, { name: "n", type: "integer" as const, role: "measure" as const }];
  assert.equal(toCsv(columns, [{ "a,b": '=1+"2"', n: -3 }, { "a,b": null, n: null }]), '"a,b",n\r\n"\'=1+""2""",-3\r\n,\r\n');
});

test("days from now are those of the calendar where the reader is", () => {
  const noon = new Date(2026, 0, 10, 12).getTime();
  const from = (day: number, hour: number): string => relativeTime(new Date(2026, 0, day, hour).toISOString(), noon);
  assert.deepEqual([from(8, 23), from(9, 11), from(11, 13), from(12, 1)], ["2 days ago", "yesterday", "tomorrow", "in 2 days"]);
});

test("moments are told from now", () => {
  const now = Date.parse("2026-01-10T12:00:00Z");
  assert.equal(relativeTime("2026-01-10T11:59:58Z", now), "just now");
  assert.equal(relativeTime("2026-01-10T11:55:00Z", now), "5 minutes ago");
  assert.equal(relativeTime("2026-01-09T11:00:00Z", now), "yesterday");
  assert.equal(relativeTime("2026-02-20T12:00:00Z", now), "in 1 month");
  assert.equal(relativeTime("nonsense", now), "nonsense");
  assert.equal(between("2026-01-10T12:00:00Z", "2026-01-10T12:00:01.500Z"), 1_500);
  assert.equal(between("2026-01-10T12:00:00Z", null), null);
});
