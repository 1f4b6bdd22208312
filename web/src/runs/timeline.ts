// Lays a run's steps out on a scale: where each began and how long it took, as parts of the whole, and the waits
// between them. Pure; tested by tests/unit.
import type { RunDetail, RunStep } from "../api/types";

/** Shorter waits are noise of the machine and are not drawn. */
const WAIT_SHOWN_MS = 1_000;

export type Bar = { startPct: number; widthPct: number; ms: number };
export type Line = { kind: "step"; step: RunStep; bar: Bar } | { kind: "wait" | "work"; ms: number; why: string; bar: Bar };
export type Timeline = { lines: Line[]; totalMs: number };

const at = (iso: string | null | undefined, otherwise: number): number => (iso ? Date.parse(iso) : otherwise);

/** What a step failed of, in the form in which steps store it; null when it did not fail. */
export function errorOf(step: RunStep): { code: string; message: string } | null {
  if (!step.error || typeof step.error !== "object") return null;
  const { code, message } = step.error as { code?: unknown; message?: unknown };
  return { code: typeof code === "string" ? code : "unknown", message: typeof message === "string" ? message : JSON.stringify(step.error) };
}

export function layOut(run: RunDetail, now: number): Timeline {
  const start = Date.parse(run.created_at);
  const lastStep = Math.max(start, ...run.steps.map((step) => Date.parse(step.finished_at)));
  // The journal knows steps that have ended; while the run is at work, what it does now grows until now.
  const end = Math.max(at(run.finished_at, now), lastStep);
  const total = Math.max(1, end - start);
  const bar = (from: number, to: number): Bar => ({
    startPct: ((from - start) / total) * 100,
    widthPct: (Math.max(0, to - from) / total) * 100,
    ms: Math.max(0, to - from),
  });
  const lines: Line[] = [];
  let cursor = start;
  for (const step of run.steps) {
    const to = Date.parse(step.finished_at);
    const from = at(step.started_at, to);
    if (from - cursor >= WAIT_SHOWN_MS) {
      const why = lines.length === 0 ? "Waited for a worker" : step.attempt > 1 ? "Waited before trying again" : "Waited";
      lines.push({ kind: "wait", ms: from - cursor, why, bar: bar(cursor, from) });
    }
    lines.push({ kind: "step", step, bar: bar(from, to) });
    cursor = Math.max(cursor, to);
  }
  if (run.status === "running") lines.push({ kind: "work", ms: Math.max(0, end - cursor), why: "Working", bar: bar(cursor, end) });
  return { lines, totalMs: end - start };
}
