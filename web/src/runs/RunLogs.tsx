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
import { places, stretches, type Stretch } from "./logs";
import { doingWords } from "./TimelineView";

const FEW = 100;
const MANY = 1_000;
const LEVELS = [["trace", "Every level"], ["info", "Info and worse"], ["warn", "Warnings and worse"], ["error", "Errors"]] as const;

export function RunLogs({ run, doing }: { run: RunDetail; doing: string | null }) {
  const [level, setLevel] = useState<string>("trace");
  const [step, setStep] = useState("");
  const [limit, setLimit] = useState(FEW);
  const query = useQuery(logsQuery(run.id, step, level, limit));
  const lines = query.data ?? [];
  const names = places(run.steps);
  const all = level === "trace" && step === "";
  // A run that logs nothing has nothing to choose from either.
  const silent = query.data?.length === 0 && all;
  return (
    <section aria-labelledby="logs" className="section">
      <div className="section-head log-head">
        <h2 id="logs">Log</h2>
        {silent ? null : (
          <div className="log-filters">
            {names.size > 0 ? <Narrow label="Step" value={step} onChange={setStep} options={[["", "Every step"], ...[...names].map(([place, name]): [string, string] => [String(place), doingWords(name)])]} /> : null}
            <Narrow label="Level" value={level} onChange={setLevel} options={LEVELS} />
          </div>
        )}
      </div>
      <Query query={query} what="the log" rows={3}>
        {(found) => found.length === 0
          ? <p className="quiet">{silent ? "It logged nothing." : step ? "This step logged nothing of this level." : "No line is of this level."}</p>
          : (
            <>
              {lines.length === limit && limit < MANY ? <Button look="quiet" busy={query.isFetching} onClick={() => setLimit(MANY)}>Show up to {formatNumber(MANY)} lines</Button> : null}
              <div className="logs" tabIndex={0} role="group" aria-label="Log lines, oldest first">
                {stretches(found).map((stretch) => <StretchView key={stretch.lines[0]?.seq} stretch={stretch} name={stretch.place === null ? null : names.get(stretch.place) ?? doing ?? `step ${stretch.place}`} />)}
              </div>
            </>
          )}
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

function StretchView({ stretch: { attempt, lines }, name }: { stretch: Stretch; name: string | null }) {
  return (
    <>
      {name === null ? null : <h3 className="log-step">{doingWords(name)}{attempt > 1 ? `, attempt ${attempt}` : ""}</h3>}
      <ol className="log-lines">{lines.map((line) => <LogLine key={line.seq} line={line} />)}</ol>
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
