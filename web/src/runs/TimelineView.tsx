// The vertical timeline of a run: one line per step, ended attempt and wait, with bars drawn to one scale. The failing
// step stands open and says why in words before anything else.
import { useState } from "react";
import type { RunDetail, RunStep } from "../api/types";
import { STEP_WORDS } from "../ask/Steps";
import { formatDuration } from "../lib/format";
import { useNow } from "../lib/hooks";
import { Icon, type IconName } from "../ui/Icon";
import { JsonBlock } from "./Json";
import { errorOf, layOut, type Bar, type Line } from "./timeline";
import { endOf } from "./words";

const LIVE_TICK_MS = 250;

export function TimelineView({ run, live, doing }: { run: RunDetail; live: boolean; doing: string | null }) {
  const now = useNow(live ? LIVE_TICK_MS : null);
  const timeline = layOut(run, now, doing === null ? null : doingWords(doing));
  // What stands above as the answer is not said again by the steps that found it.
  const said = summaryOf(run.output);
  return (
    <div className="timeline">
      <div className="timeline-scale" aria-hidden="true"><span>0</span><span>{formatDuration(timeline.totalMs)}</span></div>
      <ol>
        {timeline.lines.map((line, at) => {
          if (line.kind === "step") return <StepLine key={`${line.step.seq}-${line.step.attempt}`} line={line} last={at === timeline.lines.length - 1} said={said} />;
          return line.kind === "end" ? <EndLine key={`end-${at}`} line={line} /> : <WaitLine key={`${line.kind}-${at}`} line={line} />;
        })}
      </ol>
    </div>
  );
}

function Track({ bar, look }: { bar: Bar; look: string }) {
  return (
    <svg className={`track track-${look}`} viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <rect className="track-ground" x="0" y="0" width="100" height="8" />
      <rect className="track-bar" x={Math.min(bar.startPct, 99.4)} y="0" width={Math.max(bar.widthPct, 0.6)} height="8" />
    </svg>
  );
}

function WaitLine({ line }: { line: Extract<Line, { kind: "wait" | "work" }> }) {
  const busy = line.kind === "work";
  return (
    <li className={busy ? "tl tl-busy" : "tl tl-wait"}>
      <span className="tl-dot">{busy ? <span className="spinner" aria-hidden="true" /> : <Icon name="clock" size={12} />}</span>
      <div className="tl-head">
        <span className="tl-name quiet">{line.why}</span>
        <Track bar={line.bar} look={busy ? "busy" : "wait"} />
        <span className="tl-time">{line.open ? `${formatDuration(line.ms)} so far` : formatDuration(line.ms)}</span>
      </div>
    </li>
  );
}

const END_ICONS: Record<string, IconName> = { failed: "cross", interrupted: "warning" };

function EndLine({ line: { attempt, bar } }: { line: Extract<Line, { kind: "end" }> }) {
  const bad = attempt.outcome === "failed" || attempt.outcome === "interrupted";
  return (
    <li className={`tl ${bad ? "tl-bad" : "tl-end"}`}>
      <span className="tl-dot"><Icon name={END_ICONS[attempt.outcome] ?? "blocked"} size={12} /></span>
      <div className="tl-head">
        <span className="tl-name">{endOf(attempt)}</span>
        <Track bar={bar} look={bad ? "bad" : "wait"} />
        <span className="tl-time">{formatDuration(bar.ms)}</span>
      </div>
      {attempt.error ? <p className="tl-summary">{attempt.error.message} <code>{attempt.error.code}</code></p> : attempt.outcome === "interrupted" ? <p className="tl-summary">Its worker vanished.</p> : null}
    </li>
  );
}

function look(step: RunStep): "good" | "bad" {
  return step.error || step.status === "failed" ? "bad" : "good";
}

function StepLine({ line, last, said }: { line: Extract<Line, { kind: "step" }>; last: boolean; said: string | null }) {
  const { step, bar } = line;
  const kind = look(step);
  const error = errorOf(step);
  const [open, setOpen] = useState(kind === "bad" && last);
  const hasMore = error !== null || (step.output !== null && step.output !== undefined);
  const summary = step.summary || summaryOf(step.output);
  return (
    <li className={`tl tl-${kind}`}>
      <span className="tl-dot">
        <Icon name={kind === "bad" ? "cross" : "check"} size={12} />
      </span>
      <div className="tl-head">
        {hasMore
          ? <button type="button" className="tl-name fold" aria-expanded={open} onClick={() => setOpen(!open)}><Icon name={open ? "down" : "right"} size={12} />{nameOf(step)}</button>
          : <span className="tl-name">{nameOf(step)}</span>}
        <Track bar={bar} look={kind} />
        <span className="tl-time">{formatDuration(bar.ms)}</span>
      </div>
      {error && !open ? <p className="tl-summary">{error.message}</p> : null}
      {summary && summary !== said && !error ? <p className="tl-summary">{summary}</p> : null}
      {open ? <StepDetail step={step} /> : null}
    </li>
  );
}

/** What a step does that is under way. */
export const doingWords = (name: string): string => STEP_WORDS[name]?.doing ?? name;

function nameOf(step: RunStep): string {
  const words = STEP_WORDS[step.name];
  const failed = step.error || step.status === "failed";
  const name = words ? (failed ? words.doing : words.done) : step.name;
  return `${name}${step.attempt > 1 ? `, attempt ${step.attempt}` : ""}${failed ? " – failed" : ""}`;
}

function summaryOf(output: unknown): string | null {
  return output && typeof output === "object" && "summary" in output && typeof output.summary === "string" ? output.summary : null;
}

function StepDetail({ step }: { step: RunStep }) {
  const error = errorOf(step);
  return (
    <div className="tl-detail">
      {error ? <div className="tl-error"><p>{error.message}</p><code>{error.code}</code></div> : null}
      {step.output === null || step.output === undefined ? null : <JsonBlock value={step.output} label="What this step left behind" name={`Output of ${step.name}`} />}
    </div>
  );
}
