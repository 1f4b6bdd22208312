// What a run logged: its newest lines, oldest first, under the steps that wrote them; of one step, and from a chosen level
// on.
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { logsQuery } from "../api/queries";
import type { RunDetail, RunLog } from "../api/types";
import { formatNumber } from "../lib/format";
import { exactTime } from "../lib/time";
import { Button } from "../ui/Button";
import { Query } from "../ui/Query";
import { stretches, type Stretch } from "./logs";
import { nameOf } from "./TimelineView";

const FEW = 100;
const MANY = 1_000;
const LEVELS = [["trace", "Every level"], ["info", "Info and worse"], ["warn", "Warnings and worse"], ["error", "Errors"]] as const;

export function RunLogs({ run, doing }: { run: RunDetail; doing: string | null }) {
  const [level, setLevel] = useState<string>("trace");
  const [path, setPath] = useState("");
  const [limit, setLimit] = useState(FEW);
  // The lines of one step may stand far back.
  const most = path ? MANY : limit;
  const query = useQuery(logsQuery(run.id, level, most));
  const lines = query.data ?? [];
  // A run that logs nothing has nothing to choose from either.
  const silent = query.data?.length === 0 && level === "trace";
  return (
    <section aria-labelledby="logs" className="section">
      <div className="section-head log-head">
        <h2 id="logs">Log</h2>
        {silent ? null : (
          <div className="log-filters">
            {run.steps.length > 0 ? <Narrow label="Step" value={path} onChange={setPath} options={[["", "Every step"], ...run.steps.map((step): [string, string] => [step.path, nameOf(step)])]} /> : null}
            <Narrow label="Level" value={level} onChange={setLevel} options={LEVELS} />
          </div>
        )}
      </div>
      <Query query={query} what="the log" rows={3}>
        {(found) => {
          const shown = stretches(found, run.steps).filter(({ step }) => path === "" || step?.path === path);
          if (shown.length === 0) return <p className="quiet">{silent ? "It logged nothing." : path ? "This step logged nothing of this level." : "No line is of this level."}</p>;
          return (
            <>
              {lines.length === most && most < MANY ? <Button look="quiet" busy={query.isFetching} onClick={() => setLimit(MANY)}>Show up to {formatNumber(MANY)} lines</Button> : null}
              <div className="logs" tabIndex={0} role="group" aria-label="Log lines, oldest first">{shown.map((stretch) => <StretchView key={stretch.lines[0]?.seq} stretch={stretch} doing={doing} />)}</div>
            </>
          );
        }}
      </Query>
    </section>
  );
}

function Narrow({ label, value, options, onChange }: { label: string; value: string; options: readonly (readonly [string, string])[]; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <span>
      <label className="sr-only" htmlFor={id}>{label}</label>
      <select id={id} className={`input input-short ${value === options[0]?.[0] ? "" : "input-set"}`} value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map(([one, words]) => <option key={one} value={one}>{words}</option>)}
      </select>
    </span>
  );
}

function StretchView({ stretch: { step, lines }, doing }: { stretch: Stretch; doing: string | null }) {
  return (
    <>
      <h3 className="log-step">{step ? nameOf(step) : doing ?? "Since the last step"}</h3>
      <ol>{lines.map((line) => <LogLine key={line.seq} line={line} />)}</ol>
    </>
  );
}

function LogLine({ line }: { line: RunLog }) {
  return (
    <li className={`log log-${line.level}`}>
      <time dateTime={line.at} title={exactTime(line.at)}>{line.at.slice(11, 23)}</time>
      <span className="log-level">{line.level}</span>
      <span className="log-text">{line.message}</span>
    </li>
  );
}
