// Logged lines under the steps that wrote them. Pure; tested by tests/unit.
import type { RunLog, RunStep } from "../api/types";

/** Lines that follow each other within one try of one step; `place` is none for what was logged between steps. */
export type Stretch = { place: number | null; attempt: number; lines: RunLog[] };

export function stretches(lines: RunLog[]): Stretch[] {
  const found: Stretch[] = [];
  for (const line of lines) {
    const last = found.at(-1);
    const place = line.step ?? null;
    if (last && last.place === place && last.attempt === line.attempt) last.lines.push(line);
    else found.push({ place, attempt: line.attempt, lines: [line] });
  }
  return found;
}

/** The steps of a run by their place in its workflow, as the lines name them; branches are parts of one place. */
export function places(steps: Pick<RunStep, "path" | "name">[]): Map<number, string> {
  const found = new Map<number, string>();
  for (const { path, name } of steps) {
    const place = Number.parseInt(path, 10);
    if (!Number.isNaN(place) && !found.has(place)) found.set(place, name);
  }
  return found;
}
