// What a run logged: its newest lines, oldest first, from a chosen level on.
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { logsQuery } from "../api/queries";
import type { RunLog } from "../api/types";
import { exactTime } from "../lib/time";
import { Button } from "../ui/Button";
import { Query } from "../ui/Query";

const FEW = 100;
const MANY = 1_000;
const LEVELS = [["trace", "All"], ["info", "Info and worse"], ["warn", "Warnings and worse"], ["error", "Errors"]] as const;

export function RunLogs({ id }: { id: string }) {
  const [level, setLevel] = useState<string>("trace");
  const [limit, setLimit] = useState(FEW);
  const query = useQuery(logsQuery(id, level, limit));
  const select = useId();
  const lines = query.data ?? [];
  // A run that logs nothing has no level to choose either.
  const silent = query.data?.length === 0 && level === "trace";
  return (
    <section aria-labelledby="logs" className="section">
      <div className="section-head">
        <h2 id="logs">Log</h2>
        {silent ? null : (
          <div className="row">
            <label className="sr-only" htmlFor={select}>Level</label>
            <select id={select} className="input input-short" value={level} onChange={(event) => setLevel(event.target.value)}>
              {LEVELS.map(([value, label]) => <option key={value} value={value}>{label}</option>)}
            </select>
          </div>
        )}
      </div>
      <Query query={query} what="the log" rows={3}>
        {(found) => found.length === 0
          ? <p className="quiet">{silent ? "It logged nothing." : "No line is of this level."}</p>
          : (
            <>
              {lines.length === limit && limit < MANY ? <Button look="quiet" busy={query.isFetching} onClick={() => setLimit(MANY)}>Show up to {MANY.toLocaleString("en-US")} lines</Button> : null}
              <ol className="logs" tabIndex={0} aria-label="Log lines, oldest first">{found.map((line) => <LogLine key={line.seq} line={line} />)}</ol>
            </>
          )}
      </Query>
    </section>
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
