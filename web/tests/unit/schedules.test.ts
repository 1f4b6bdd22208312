// The pure parts behind schedules and limits: words, cron expressions of days and times, and what the forms send.
import assert from "node:assert/strict";
import { test } from "node:test";
import { problemFrom } from "../../src/api/problem";
import type { Schedule } from "../../src/api/types";
import { limitsBody, limitsErrors, limitsForm } from "../../src/runs/limits";
import { bodyOf, catchUpWords, countOf, cronOf, daysOf, formOf, jitterWords, missingOf, newForm, overlapWords, standingOf, tickWords, timingOf, whenOf, type Form } from "../../src/runs/schedule";

const AT = "2026-01-01T00:00:00Z";
const schedule = (extra: Partial<Schedule>): Schedule => ({
  id: "sch_1", name: "Morning", kind: "ask", queue: "nightly", input: { question: "How many?", connection: "conn_1" }, cron: "0 9 * * 1-5", time_zone: "Europe/Berlin",
  every_seconds: null, anchor: null, when: "Monday to Friday at 09:00, Europe/Berlin", jitter_seconds: 30, overlap: "queue", catch_up: "bounded:5", paused: false,
  paused_at: null, paused_by: null, subject: "ada", created_at: AT, updated_at: AT, next_at: AT, last: null, missed: 0, late: false, ...extra,
});
const form = (extra: Partial<Form>): Form => ({ ...newForm("Europe/Berlin"), name: "Morning", question: "How many?", ...extra });

test("days and a time make a cron expression, and are found in one that says no more", () => {
  for (const [days, time, cron] of [
    [[1, 2, 3, 4, 5], "09:00", "0 9 * * 1-5"],
    [[1, 2, 3, 4, 5, 6, 0], "00:05", "5 0 * * *"],
    [[6, 0], "23:59", "59 23 * * 0,6"],
    [[3], "07:30", "30 7 * * 3"],
  ] as const) {
    assert.equal(cronOf(days, time), cron);
    const found = daysOf(cron);
    assert.equal(found?.time, time);
    assert.deepEqual([...(found?.days ?? [])].sort(), [...days].sort());
  }
  assert.equal(cronOf([], "09:00"), null);
  assert.equal(cronOf([1], ""), null);
  assert.deepEqual(daysOf("0 9 * * 7")?.days, [0], "7 is Sunday, too");
  assert.deepEqual(daysOf("0 9 * * 0,7")?.days, [0]);
  for (const other of ["*/5 * * * *", "0 9 1 * *", "0 9 * 2 1", "0 0 9 * * 1", "0 9 * * MON", "0 9 * * 1#2", "0 24 * * *", "60 9 * * *", "@daily", "0 9 * * 2-4"]) assert.equal(daysOf(other), null, other);
});

test("an interval is said in its largest whole unit", () => {
  assert.deepEqual([90, 300, 7_200, 86_400, 90_000].map((seconds) => Object.values(countOf(seconds)).join(" ")), ["90 seconds", "5 minutes", "2 hours", "1 days", "25 hours"]);
});

test("a schedule says when in words, or by its expression where there are none", () => {
  assert.deepEqual(whenOf(schedule({})), { words: "Monday to Friday at 09:00", cron: "0 9 * * 1-5", zone: "Europe/Berlin" });
  assert.deepEqual(whenOf(schedule({ cron: "*/7 6 L * *", when: "cron */7 6 L * *, UTC", time_zone: "UTC" })), { words: null, cron: "*/7 6 L * *", zone: "UTC" });
  assert.deepEqual(whenOf(schedule({ cron: null, every_seconds: 300, when: "every 5 minutes", time_zone: "UTC" })), { words: "Every 5 minutes", cron: null, zone: null });
});

test("a schedule stands as what matters most about it", () => {
  assert.equal(standingOf(schedule({})), "active");
  assert.equal(standingOf(schedule({ late: true })), "late");
  assert.equal(standingOf(schedule({ late: true, paused: true })), "paused");
  assert.equal(standingOf(schedule({ next_at: null })), "over");
});

test("policies are told in sentences, also those that the page does not know", () => {
  assert.equal(overlapWords("skip"), "The tick is skipped");
  assert.equal(overlapWords("later"), "later");
  assert.equal(catchUpWords("bounded:1"), "The newest is made up for");
  assert.equal(catchUpWords("bounded:5"), "The newest 5 are made up for, one after the other");
  assert.equal(catchUpWords("none"), "They are left out");
  assert.equal(jitterWords(0), "On the second");
  assert.match(jitterWords(120), /^Up to 2 min later/);
});

test("ticks are told by the clocks of their zone, with the offset only where it changes", () => {
  const [summer, winter] = [{ local: "2026-10-24T02:30:00+02:00" }, { local: "2026-10-25T02:30:00+01:00" }];
  assert.equal(tickWords(summer, [summer, summer]), "Sat, 24 Oct 2026, 02:30");
  assert.equal(tickWords(winter, [summer, winter]), "Sun, 25 Oct 2026, 02:30 (UTC+01:00)");
  assert.equal(tickWords({ local: "2026-01-01T00:00:07Z" }), "Thu, 1 Jan 2026, 00:00:07");
  assert.equal(tickWords({ local: "2026-11-01T01:30:00-05:00" }, [summer]), "Sun, 1 Nov 2026, 01:30 (UTC−05:00)");
  assert.equal(tickWords({ local: "whenever" }), "whenever");
});

test("the form sends one timing and no other, and keeps what it does not show", () => {
  assert.deepEqual(timingOf(form({})), { cron: "0 9 * * 1-5", time_zone: "Europe/Berlin" });
  assert.deepEqual(timingOf(form({ mode: "cron", cron: " @daily ", zone: " UTC " })), { cron: "@daily", time_zone: "UTC" });
  assert.deepEqual(timingOf(form({ mode: "every", count: "5", unit: "minutes" })), { every_seconds: 300 });
  assert.deepEqual(timingOf(form({ mode: "every", count: "0" })), { every_seconds: 0 }, "whether it can be is for the server to say");
  for (const unsaid of [{ days: [] }, { zone: " " }, { mode: "cron" as const }, { mode: "every" as const, count: "1.5" }]) assert.equal(timingOf(form(unsaid)), null, JSON.stringify(unsaid));
  assert.deepEqual(bodyOf(form({ name: " Morning ", catchUp: "bounded", bound: "5" }), null), {
    name: "Morning", kind: "ask", input: { question: "How many?" }, cron: "0 9 * * 1-5", time_zone: "Europe/Berlin", overlap: "skip", catch_up: "bounded:5", jitter_seconds: 0,
  });
});

test("what is read into the form comes out of it unchanged", () => {
  for (const [before, timing] of [
    [schedule({}), { cron: "0 9 * * 1-5", time_zone: "Europe/Berlin" }],
    [schedule({ cron: "0 18 LW * *", time_zone: "Asia/Tokyo" }), { cron: "0 18 LW * *", time_zone: "Asia/Tokyo" }],
    [schedule({ cron: null, every_seconds: 5_400, anchor: AT, time_zone: "UTC" }), { every_seconds: 5_400, anchor: AT }],
  ] as const) {
    assert.deepEqual(bodyOf(formOf(before, "Africa/Cairo"), before), {
      name: "Morning", kind: "ask", input: { question: "How many?", connection: "conn_1" }, ...timing, overlap: "queue", catch_up: "bounded:5", jitter_seconds: 30, queue: "nightly",
    });
  }
  assert.equal(formOf(schedule({ cron: null, every_seconds: 60, time_zone: "UTC" }), "Africa/Cairo").zone, "Africa/Cairo", "an interval has no clocks of its own to keep");
});

test("what is still to be said is said by field", () => {
  assert.deepEqual(missingOf(form({})), {});
  assert.deepEqual(Object.keys(missingOf(newForm("UTC"))), ["name", "input.question"]);
  assert.deepEqual(missingOf(form({ days: [] })), { cron: "Pick at least one day." });
  assert.deepEqual(missingOf(form({ time: "" })), { cron: "Say at what time." });
  assert.deepEqual(Object.keys(missingOf(form({ mode: "cron", zone: "" }))), ["cron", "time_zone"]);
  assert.deepEqual(Object.keys(missingOf(form({ mode: "every", count: "often", zone: "" }))), ["every_seconds"]);
  for (const bound of ["0", "101", "some"]) assert.deepEqual(missingOf(form({ catchUp: "bounded", bound })), { catch_up: "A whole number from 1 to 100." });
  assert.deepEqual(missingOf(form({ catchUp: "bounded", bound: "100" })), {});
  assert.deepEqual(Object.keys(missingOf(form({ catchUp: "bounded", bound: "", jitter: "-1" }))), ["catch_up", "jitter_seconds"]);
});

test("a refusal names its fields, each with its first fault as a sentence", () => {
  const errors = [
    { type: "value_error", loc: ["body", "cron"], msg: "the minute field `61`: 61 is outside of 0 to 59", input: "61 9 * * *" },
    { type: "value_error", loc: ["body", "cron"], msg: "another", input: "" },
    { type: "missing", loc: ["body", "input", "question"], msg: "Field required.", input: null },
  ];
  assert.deepEqual(problemFrom(422, { detail: "d", errors }, null).fields, { cron: "The minute field “61”: 61 is outside of 0 to 59.", "input.question": "Field required." });
  assert.deepEqual(problemFrom(502, { errors: "<html>" }, null).fields, {});
  assert.deepEqual(problemFrom(422, { errors: [{ msg: "no place" }] }, null).fields, {});
});

test("an empty limit is lifted, 0 is kept, and nonsense is told at its field", () => {
  const limits = { total: 8, per_tenant: 0, per_key: null, rate: { starts: 100, per_seconds: 60 } };
  assert.deepEqual(limitsBody(limitsForm(limits)), limits);
  assert.deepEqual(limitsBody(limitsForm({})), { total: null, per_tenant: null, per_key: null, rate: null });
  assert.deepEqual(limitsErrors(limitsForm(limits)), {});
  const written = { ...limitsForm(limits), total: "10001", per_key: "two", starts: "0" };
  assert.deepEqual(Object.keys(limitsErrors(written)), ["total", "per_key", "rate"]);
  assert.match(limitsErrors({ ...limitsForm(limits), per_seconds: "" })["rate"] ?? "", /both/);
});
