// Which step of a run a logged line belongs to. Pure; tested by tests/unit.
import type { RunLog, RunStep } from "../api/types";

/** Lines that follow each other within one step; none for what was logged after the last step that has ended. */
export type Stretch = { step: RunStep | null; lines: RunLog[] };

/**
 * The lines in stretches of one step each. A step is recorded when it ends, after what was logged meanwhile, so a line
 * belongs to the first step of its attempt that is recorded after it.
 */
export function stretches(lines: RunLog[], steps: RunStep[]): Stretch[] {
  const ordered = steps.toSorted((a, b) => a.seq - b.seq);
  const found: Stretch[] = [];
  for (const line of lines) {
    const step = ordered.find((one) => one.seq > line.seq && one.attempt === line.attempt) ?? null;
    const last = found.at(-1);
    if (last && last.step === step) last.lines.push(line);
    else found.push({ step, lines: [line] });
  }
  return found;
}
