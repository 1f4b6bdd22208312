// The steps of a question while it is being answered: what each is for, what it decided, how long it took. Once the
// answer is there they fold into one line.
import { useState } from "react";
import type { StepEvent } from "../api/types";
import { formatDuration } from "../lib/format";
import { useNow } from "../lib/hooks";
import { Icon } from "../ui/Icon";

/** What each step does, in words; a step the page does not know is shown by its own name. */
export const STEP_WORDS: Record<string, { doing: string; done: string }> = {
  planner: { doing: "Reading the question", done: "Read the question" },
  validator: { doing: "Checking it against the catalog", done: "Checked it against the catalog" },
  critic: { doing: "Working out what it takes", done: "Worked out what it takes" },
  approver: { doing: "Asking for an approval", done: "Asked for an approval" },
  approval: { doing: "Waiting for people", done: "People have decided" },
  release: { doing: "Checking that it is what was approved", done: "Checked that it is what was approved" },
  executor: { doing: "Running the query", done: "Ran the query" },
  composer: { doing: "Writing the answer", done: "Wrote the answer" },
};
const TICK_MS = 100;
const SHOW_CLOCK_AFTER_MS = 1_000;

function words(step: StepEvent): string {
  const known = STEP_WORDS[step.name];
  return known ? (step.status === "started" ? known.doing : known.done) : step.name;
}

function StepLine({ step }: { step: StepEvent }) {
  return (
    <li className={`step step-${step.status}`}>
      <span className="step-mark">
        {step.status === "started" ? <span className="spinner" aria-hidden="true" /> : <Icon name={step.status === "failed" ? "cross" : "check"} size={14} />}
      </span>
      <span className="step-name">{words(step)}{step.status === "failed" ? " – failed" : ""}</span>
      {step.summary ? <span className="step-summary">{step.summary}</span> : null}
      {typeof step.elapsed_ms === "number" ? <span className="step-time">{formatDuration(step.elapsed_ms)}</span> : null}
    </li>
  );
}

export function LiveSteps({ steps, startedAt, reconnecting }: { steps: StepEvent[]; startedAt: number; reconnecting: number }) {
  const now = useNow(TICK_MS);
  const current = steps.findLast((step) => step.status === "started") ?? steps.at(-1);
  const waited = now - startedAt;
  return (
    <div className="steps-live">
      <ol className="steps">
        {steps.length === 0 ? <StepLine step={{ seq: 0, name: "planner", status: "started" }} /> : steps.map((step) => <StepLine key={step.seq} step={step} />)}
      </ol>
      <p className="steps-clock" aria-hidden="true">{waited > SHOW_CLOCK_AFTER_MS ? formatDuration(waited) : ""}</p>
      {reconnecting > 0 ? <p className="steps-note">The connection broke; the question goes on. Picking it up again …</p> : null}
      <p className="sr-only" role="status">{current ? `${words(current)}. ${current.summary ?? ""}` : "Working on it"}</p>
    </div>
  );
}

export function DoneSteps({ steps }: { steps: StepEvent[] }) {
  const [open, setOpen] = useState(false);
  if (steps.length === 0) return null;
  const total = steps.reduce((sum, step) => sum + (step.elapsed_ms ?? 0), 0);
  return (
    <div className="steps-done">
      <button type="button" className="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name={open ? "down" : "right"} size={12} />
        {steps.length} steps{total > 0 ? ` in ${formatDuration(total)}` : ""}
      </button>
      {open ? <ol className="steps">{steps.map((step) => <StepLine key={step.seq} step={step} />)}</ol> : null}
    </div>
  );
}
