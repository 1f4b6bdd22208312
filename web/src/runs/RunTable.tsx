// The rows of a list of runs.
import { Link } from "@tanstack/react-router";
import { isActive } from "../api/queries";
import type { Run } from "../api/types";
import { formatDuration } from "../lib/format";
import { useNow } from "../lib/hooks";
import { between } from "../lib/time";
import { Moment, Nothing } from "../ui/Bits";
import { RunStatusView } from "./status";

const CLOCK_MS = 1_000;

/** `selected` is null where nothing can be done with many at once. */
type Props = { runs: Run[]; selected?: ReadonlySet<string> | null; onToggle?: (id: string) => void };

export function RunTable({ runs, selected = null, onToggle }: Props) {
  const now = useNow(runs.some((run) => run.status === "running") ? CLOCK_MS : null);
  return (
    <table className={`table list-table ${selected ? "list-select" : ""}`}>
      <caption className="sr-only">Runs, newest first</caption>
      <thead>
        <tr>
          {selected ? <th scope="col" className="cell-check"><span className="sr-only">Selected</span></th> : null}
          <th scope="col">Run</th><th scope="col">Status</th><th scope="col">Queue</th><th scope="col">By</th><th scope="col" className="num">Took</th><th scope="col" className="num">Asked</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id} className={`row-link ${selected?.has(run.id) ? "row-picked" : ""}`}>
            {selected ? (
              <td className="cell-check"><label><input type="checkbox" checked={selected.has(run.id)} onChange={() => onToggle?.(run.id)} /><span className="sr-only">Select {run.title || run.kind}</span></label></td>
            ) : null}
            <td className="cell-main">
              <Link to="/runs/$runId" params={{ runId: run.id }} className="row-title" data-run={run.id}>{run.title || run.kind}</Link>
              <Beneath run={run} />
            </td>
            <td><RunStatusView status={run.status} stopping={run.cancel_requested} /></td>
            <td className="quiet cell-queue">{run.queue}</td>
            <td className="quiet">{run.subject}</td>
            <td className="num"><Took run={run} now={now} /></td>
            <td className="num quiet"><Moment at={run.created_at} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What is worth knowing before opening it: its error, and which attempt it is in. */
function Beneath({ run }: { run: Run }) {
  const parts = [
    run.kind === run.queue ? null : run.kind,
    run.attempt > 1 ? `attempt ${run.attempt} of ${run.max_attempts}` : null,
    run.discarded ? "discarded" : null,
    run.status === "cancelled" ? null : run.error?.message ?? null,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : <span className="row-error">{parts.join(" · ")}</span>;
}

function Took({ run, now }: { run: Run; now: number }) {
  if (run.status === "running" && run.started_at) {
    return <span className="quiet">{run.progress > 0 ? `${run.progress} % · ` : ""}{formatDuration(Math.max(1, now - Date.parse(run.started_at)))}</span>;
  }
  const ms = isActive(run.status) ? null : between(run.started_at, run.finished_at);
  return ms === null ? <Nothing means="not finished" /> : <>{formatDuration(ms)}</>;
}
