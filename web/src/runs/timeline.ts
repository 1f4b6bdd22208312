// Lays a run's steps out on a scale: where each began and how long it took, as parts of the whole, and the waits
// between them. Pure; tested by tests/unit.
import type { RunDetail, RunStep } from "../api/types";

/** Shorter waits are noise of the machine and are not drawn. */
const WAIT_SHOWN_MS = 1_000;

export type Bar = { startPct: number; widthPct: number; ms: number };
export type Line = { kind: "step"; step: RunStep; bar: Bar; running: boolean } | { kind: "wait"; ms: number; why: string; bar: Bar };
export type Timeline = { lines: Line[]; totalMs: number };

const at = (iso: string | null | undefined, otherwise: number): number => (iso ? Date.parse(iso) : otherwise);

/** What a step failed of, in the form in which steps store it; null when it did not fail. */
export function errorOf(step: RunStep): { code: string; message: string } | null {
  if (!step.error || typeof step.error !== "object") return null;
  const { code, message } = step.error as { code?: unknown; message?: unknown };
  return { code: typeof code === "string" ? code : "unknown", message: typeof message === "string" ? message : JSON.stringify(step.error) };
}

const isBegun = (step: RunStep): boolean => step.status === "started" || step.status === "running";

export function layOut(run: RunDetail, now: number): Timeline {
  const start = Date.parse(run.created_at);
  // A run that has ended took its unfinished step with it; only while it goes on does that step grow until now.
  const ended = run.finished_at ? Date.parse(run.finished_at) : null;
  const endOf = (step: RunStep): number => at(step.finished_at, isBegun(step) ? Math.max(ended ?? now, Date.parse(step.started_at)) : Date.parse(step.started_at));
  const lastStep = Math.max(start, ...run.steps.map(endOf));
  const end = Math.max(at(run.finished_at, run.steps.length === 0 || !run.finished_at ? now : lastStep), lastStep);
  const total = Math.max(1, end - start);
  const bar = (from: number, to: number): Bar => ({
    startPct: ((from - start) / total) * 100,
    widthPct: (Math.max(0, to - from) / total) * 100,
    ms: Math.max(0, to - from),
  });
  const lines: Line[] = [];
  let cursor = start;
  for (const step of run.steps) {
    const from = Date.parse(step.started_at);
    const running = !step.finished_at && isBegun(step) && ended === null;
    const to = endOf(step);
    if (from - cursor >= WAIT_SHOWN_MS) {
      const why = lines.length === 0 ? "Waited for a worker" : step.attempt > 1 ? "Waited before trying again" : "Waited";
      lines.push({ kind: "wait", ms: from - cursor, why, bar: bar(cursor, from) });
    }
    lines.push({ kind: "step", step, bar: bar(from, to), running });
    cursor = Math.max(cursor, to);
  }
  return { lines, totalMs: end - start };
}
