// What is said of schedules in words, and what their form holds: from a schedule to the form and from it to what is
// sent. Pure; tested by tests/unit.
import type { Schedule, ScheduleBody, Tick } from "../api/types";
import { whole, type Errors } from "../lib/form";
import { capitalize, formatDuration } from "../lib/format";

export type Standing = "active" | "paused" | "late" | "over";

export function standingOf({ paused, late, next_at: next }: Pick<Schedule, "paused" | "late" | "next_at">): Standing {
  if (paused) return "paused";
  if (late) return "late";
  return next ? "active" : "over";
}

export const STANDINGS: Record<Standing, string> = { active: "Active", paused: "Paused", late: "Late", over: "Over" };

/** When a schedule ticks: in words, where the server has any, and by which expression and clocks. */
export function whenOf({ when, cron, time_zone: zone }: Pick<Schedule, "when" | "cron" | "time_zone">): { words: string | null; cron: string | null; zone: string | null } {
  if (!cron) return { words: capitalize(when), cron: null, zone: null };
  return { words: when.includes(cron) ? null : capitalize(when.replace(`, ${zone}`, "")), cron, zone };
}

/** The choices for a tick while a run before it has not ended, as a person picks them and as they are told. */
export const OVERLAPS: Record<string, { pick: string; told: string }> = {
  skip: { pick: "Skip the tick", told: "The tick is skipped" },
  queue: { pick: "Run it afterwards", told: "Its run waits for those before it" },
  replace: { pick: "Cancel the run before and begin anew", told: "The run before is cancelled for it" },
};

/** The choices for ticks that were missed: nobody was at work, or the schedule was paused. */
export const CATCH_UPS: Record<string, { pick: string; told: string }> = {
  last: { pick: "Make up for the last one", told: "One run makes up for all of them" },
  none: { pick: "Leave them out", told: "They are left out" },
  all: { pick: "Make up for each of them", told: "Each is made up for, one after the other" },
};
export const BOUNDED_PICK = "Make up for the newest …";

/** The most missed ticks that the server makes up for. */
const MAX_BOUND = 100;
const BOUNDED = /^bounded:(\d+)$/;

export function catchUpWords(catchUp: string): string {
  const [, most] = BOUNDED.exec(catchUp) ?? [];
  if (most) return most === "1" ? "The newest is made up for" : `The newest ${most} are made up for, one after the other`;
  return CATCH_UPS[catchUp]?.told ?? catchUp;
}

export const overlapWords = (overlap: string): string => OVERLAPS[overlap]?.told ?? overlap;

export const jitterWords = (seconds: number): string => (seconds === 0 ? "On the second" : `Up to ${formatDuration(seconds * 1_000)} later, so that not all begin at once`);

const LOCAL = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d)(:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const dayOf = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

/** A tick by the clocks of its time zone: "Mon, 23 Nov 2026, 09:00"; with the offset where that changes among `ticks`. */
export function tickWords({ local }: Pick<Tick, "local">, ticks: Pick<Tick, "local">[] = []): string {
  const [, year, month, day, minute, second, offset] = LOCAL.exec(local) ?? [];
  if (!year) return local;
  const date = dayOf.format(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const changes = ticks.some((other) => LOCAL.exec(other.local)?.[6] !== offset);
  return `${date}, ${minute}${second === ":00" ? "" : second}${changes ? ` (UTC${offset === "Z" ? "" : offset?.replace("-", "−")})` : ""}`;
}

/** The days of a week as cron numbers them, in the order in which they are read. */
export const WEEK = [[1, "Mon"], [2, "Tue"], [3, "Wed"], [4, "Thu"], [5, "Fri"], [6, "Sat"], [0, "Sun"]] as const;
const EVERY_DAY: readonly number[] = WEEK.map(([day]) => day);
const WORKDAYS = "1-5";

/** The cron expression for a time of day on some days of the week; null where either is missing. */
export function cronOf(days: readonly number[], time: string): string | null {
  const [, hour, minute] = /^(\d\d):(\d\d)/.exec(time) ?? [];
  if (!hour || days.length === 0) return null;
  const some = [...days].sort((a, b) => a - b).join(",");
  const which = days.length === EVERY_DAY.length ? "*" : some === "1,2,3,4,5" ? WORKDAYS : some;
  return `${Number(minute)} ${Number(hour)} * * ${which}`;
}

/** The days and the time of a cron expression that says no more than those; null of any other. */
export function daysOf(cron: string): { days: number[]; time: string } | null {
  const [, minute, hour, which] = /^\s*(\d{1,2})\s+(\d{1,2})\s+\*\s+\*\s+(\*|1-5|[0-7](?:,[0-7])*)\s*$/.exec(cron) ?? [];
  if (!which || Number(minute) > 59 || Number(hour) > 23) return null;
  const listed = which === WORKDAYS ? [1, 2, 3, 4, 5] : [...new Set(which.split(",").map((day) => Number(day) % 7))];
  return { days: which === "*" ? [...EVERY_DAY] : listed, time: `${hour?.padStart(2, "0")}:${minute?.padStart(2, "0")}` };
}

export const UNITS = { seconds: 1, minutes: 60, hours: 3_600, days: 86_400 } as const;
export type Unit = keyof typeof UNITS;

/** An interval in the largest unit that it is a whole number of. */
export function countOf(seconds: number): { count: string; unit: Unit } {
  const unit = (["days", "hours", "minutes"] as const).find((one) => seconds % UNITS[one] === 0) ?? "seconds";
  return { count: String(seconds / UNITS[unit]), unit };
}

export type Mode = "days" | "every" | "cron";
export type Form = {
  name: string;
  question: string;
  connection: string;
  mode: Mode;
  days: number[];
  time: string;
  count: string;
  unit: Unit;
  /** What an interval is counted from, kept from the schedule that is changed. */
  anchor: string | null;
  cron: string;
  zone: string;
  overlap: string;
  catchUp: string;
  /** How many missed ticks are made up for, where that is bounded. */
  bound: string;
  jitter: string;
};

/** What a page can ask for by name; a schedule of any other workflow is shown, not changed. */
export const KIND = "ask";

export const newForm = (zone: string): Form => ({
  name: "", question: "", connection: "", mode: "days", days: [1, 2, 3, 4, 5], time: "09:00", count: "1", unit: "hours", anchor: null,
  cron: "", zone, overlap: "skip", catchUp: "last", bound: "3", jitter: "0",
});

export function formOf(schedule: Schedule, zone: string): Form {
  const input = (schedule.input ?? {}) as Record<string, unknown>;
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const plain = schedule.cron ? daysOf(schedule.cron) : null;
  const [, bound] = BOUNDED.exec(schedule.catch_up) ?? [];
  return {
    ...newForm(zone),
    name: schedule.name, question: text(input["question"]), connection: text(input["connection"]),
    mode: schedule.every_seconds ? "every" : plain ? "days" : "cron", ...plain,
    ...(schedule.every_seconds ? countOf(schedule.every_seconds) : { zone: schedule.time_zone }),
    anchor: schedule.anchor ?? null, cron: schedule.cron ?? "",
    overlap: schedule.overlap, catchUp: bound ? "bounded" : schedule.catch_up, ...(bound ? { bound } : {}), jitter: String(schedule.jitter_seconds),
  };
}

/** When it ticks, as it is sent. */
export type Timing = Pick<ScheduleBody, "cron" | "time_zone" | "every_seconds" | "anchor">;

/** Null while something of it is still to be said. */
export function timingOf({ mode, days, time, count, unit, anchor, cron, zone }: Form): Timing | null {
  if (mode === "every") {
    const many = whole(count);
    return many === null ? null : { every_seconds: many * UNITS[unit], ...(anchor ? { anchor } : {}) };
  }
  const expression = mode === "days" ? cronOf(days, time) : cron.trim() || null;
  return expression === null || zone.trim() === "" ? null : { cron: expression, time_zone: zone.trim() };
}

/** What is still to be said; whether what is said can be is for the server to know. */
export function missingOf(form: Form): Errors {
  const found: Record<string, string> = {};
  if (form.name.trim() === "") found["name"] = "Give it a name.";
  if (form.question.trim() === "") found["input.question"] = "Say what it asks.";
  if (form.mode === "every" && whole(form.count) === null) found["every_seconds"] = "Say how often, as a whole number.";
  if (form.mode === "days" && form.days.length === 0) found["cron"] = "Pick at least one day.";
  else if (form.mode === "days" && cronOf(form.days, form.time) === null) found["cron"] = "Say at what time.";
  if (form.mode === "cron" && form.cron.trim() === "") found["cron"] = "Write a cron expression.";
  if (form.mode !== "every" && form.zone.trim() === "") found["time_zone"] = "Say by which clocks.";
  const bound = whole(form.bound) ?? 0;
  if (form.catchUp === "bounded" && (bound < 1 || bound > MAX_BOUND)) found["catch_up"] = `A whole number from 1 to ${MAX_BOUND}.`;
  if (whole(form.jitter) === null) found["jitter_seconds"] = "Say a whole number of seconds; 0 is none.";
  return found;
}

/** What is sent; the form must miss nothing. The queue of a schedule that is changed is kept. */
export function bodyOf(form: Form, before: Pick<Schedule, "queue"> | null): ScheduleBody {
  return {
    name: form.name.trim(), kind: KIND,
    input: { question: form.question.trim(), ...(form.connection ? { connection: form.connection } : {}) },
    ...timingOf(form),
    overlap: form.overlap, catch_up: form.catchUp === "bounded" ? `bounded:${whole(form.bound)}` : form.catchUp, jitter_seconds: Number(form.jitter),
    ...(before ? { queue: before.queue } : {}),
  };
}
