// Moments in words. "Now" is handed in, so that the words can be tested.

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
// "Yesterday" is clearer than "1 day ago", but "next month" is vaguer than "in 1 month".
const dayWords = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });
const NOW_SECONDS = 10;

export function relativeTime(iso: string, now: number): string {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return iso;
  const seconds = Math.round((at - now) / 1000);
  if (Math.abs(seconds) < NOW_SECONDS) return "just now";
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return unit === "day" ? dayWords.format(daysBetween(now, at), unit) : relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(seconds, "second");
}

/** Days by the calendar: 39 hours from a Saturday evening are not "tomorrow". */
function daysBetween(from: number, to: number): number {
  const day = (at: number): number => new Date(at).setHours(0, 0, 0, 0);
  return Math.round((day(to) - day(from)) / 86_400_000);
}

export function exactTime(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : exact.format(at);
}

/** Milliseconds between two moments; null while one of them has not happened. */
export function between(from: string | null | undefined, to: string | null | undefined): number | null {
  if (!from || !to) return null;
  const ms = Date.parse(to) - Date.parse(from);
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}
