// Lays a run out on a scale: where each step began and how long it took, as parts of the whole, how each attempt ended
// that did not go well, and the waits between them. Pure; tested by tests/unit.
import type { RunAttempt, RunDetail, RunStep } from "../api/types";
import { whyNotYet } from "./words";

/** Shorter waits are noise of the machine and are not drawn. */
const WAIT_SHOWN_MS = 1_000;

export type Bar = { startPct: number; widthPct: number; ms: number };
export type Line =
  | { kind: "step"; step: RunStep; bar: Bar }
  | { kind: "end"; attempt: RunAttempt; bar: Bar }
  | { kind: "wait" | "work"; ms: number; why: string; open: boolean; bar: Bar };
export type Timeline = { lines: Line[]; totalMs: number };

const at = (iso: string | null | undefined, otherwise: number): number => (iso ? Date.parse(iso) : otherwise);
const BAD_ENDS: ReadonlySet<string> = new Set(["failed", "interrupted", "cancelled", "handed_back"]);

/** What a step failed of, in the form in which steps store it; null when it did not fail. */
export function errorOf(step: RunStep): { code: string; message: string } | null {
  if (!step.error || typeof step.error !== "object") return null;
  const { code, message } = step.error as { code?: unknown; message?: unknown };
  return { code: typeof code === "string" ? code : "unknown", message: typeof message === "string" ? message : JSON.stringify(step.error) };
}

type Mark = { from: number; to: number; line: { kind: "step"; step: RunStep } | { kind: "end"; attempt: RunAttempt } };

/** Steps as the journal has them, and after the steps of each attempt how it ended, if that was not well. */
function marks(run: RunDetail, now: number): Mark[] {
  const steps: Mark[] = run.steps.map((step) => {
    const to = Date.parse(step.finished_at);
    return { from: at(step.started_at, to), to, line: { kind: "step", step } };
  });
  const ends = run.attempts.flatMap((attempt, index): Mark[] => {
    // A worker that vanished told no end: it lay somewhere before whoever took the run next.
    const to = at(attempt.finished_at, at(run.attempts[index + 1]?.started_at, at(run.finished_at, now)));
    return BAD_ENDS.has(attempt.outcome) && !saidByStep(run, attempt) ? [{ from: Date.parse(attempt.started_at), to, line: { kind: "end", attempt } }] : [];
  });
  const all = [...steps];
  for (const end of ends) {
    const after = all.findLastIndex((mark) => mark.to <= end.to);
    all.splice(after + 1, 0, end);
  }
  return all;
}

/** The failing step says it already, in the same attempt and with the same code. */
function saidByStep(run: RunDetail, attempt: RunAttempt): boolean {
  const code = attempt.error?.code;
  return code !== undefined && run.steps.some((step) => step.attempt === attempt.attempt && errorOf(step)?.code === code);
}

export function layOut(run: RunDetail, now: number, doing: string | null = null): Timeline {
  const start = Date.parse(run.created_at);
  const all = marks(run, now);
  const lastMark = Math.max(start, ...all.map((mark) => mark.to));
  // The journal knows what has ended; as long as the run has not, what it does now grows until now.
  const end = Math.max(at(run.finished_at, now), lastMark);
  const total = Math.max(1, end - start);
  const bar = (from: number, to: number): Bar => ({
    startPct: ((from - start) / total) * 100,
    widthPct: (Math.max(0, to - from) / total) * 100,
    ms: Math.max(0, to - from),
  });
  const lines: Line[] = [];
  const wait = (from: number, to: number, why: string, open: boolean): void => { lines.push({ kind: "wait", ms: to - from, why, open, bar: bar(from, to) }); };
  let cursor = start;
  for (const { from, to, line } of all) {
    // An attempt's end spans its steps, so only steps, and ends of attempts without any, have a wait before them.
    if (from - cursor >= WAIT_SHOWN_MS) wait(cursor, from, whyWaited(lines, line), false);
    lines.push({ ...line, bar: bar(from, to) });
    cursor = Math.max(cursor, to);
  }
  if (run.status === "running") lines.push({ kind: "work", ms: Math.max(0, end - cursor), why: doing ?? "Working", open: true, bar: bar(cursor, end) });
  if (run.status === "queued" || run.status === "waiting") wait(cursor, end, whyNotYet(run), true);
  return { lines, totalMs: end - start };
}

function whyWaited(before: Line[], next: Mark["line"]): string {
  const last = before.at(-1);
  if (!last) return "Waited for a worker";
  const again = last.kind === "end" || (last.kind === "step" && errorOf(last.step) !== null) || (next.kind === "step" && next.step.attempt > 1 && last.kind === "step" && last.step.attempt < next.step.attempt);
  return again ? "Waited before trying again" : "Waited";
}
