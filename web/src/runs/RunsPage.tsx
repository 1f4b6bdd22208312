// The list of runs: filter by status, older ones on request, live while something is going on.
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { runsQuery } from "../api/queries";
import type { Run } from "../api/types";
import { formatDuration } from "../lib/format";
import { useTitle } from "../lib/hooks";
import { between } from "../lib/time";
import { Moment, Nothing } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Query } from "../ui/Query";
import { Empty } from "../ui/States";
import { RunStatusView, STATUS_FILTERS } from "./status";

export function RunsPage() {
  useTitle("Runs");
  const { status } = useSearch({ from: "/runs" });
  const navigate = useNavigate();
  const query = useInfiniteQuery(runsQuery(status));
  return (
    <div className="page">
      <div className="page-head">
        <h1 tabIndex={-1}>Runs</h1>
        <div className="page-actions">
          <label className="inline-label" htmlFor="status">Status</label>
          <select id="status" className="input input-short" value={status ?? ""} onChange={(event) => void navigate({ to: "/runs", search: event.target.value ? { status: event.target.value } : {} })}>
            <option value="">All</option>
            {STATUS_FILTERS.map((filter) => <option key={filter.value} value={filter.value}>{filter.label}</option>)}
          </select>
        </div>
      </div>
      <Query query={query} what="the list of runs" rows={8}>
        {(data) => {
          const runs = data.pages.flatMap((page) => page.items);
          if (runs.length === 0) return <NoRuns filtered={status !== undefined} />;
          return (
            <>
              <RunTable runs={runs} />
              {query.hasNextPage ? <div className="more"><Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>Show older</Button></div> : null}
            </>
          );
        }}
      </Query>
    </div>
  );
}

function NoRuns({ filtered }: { filtered: boolean }) {
  return filtered
    ? <Empty icon="runs" title="No run has this status" action={<Link className="button button-default" to="/runs">Show all runs</Link>} />
    : <Empty icon="runs" title="No runs yet" action={<Link className="button button-primary" to="/ask">Ask a question</Link>}><p>Every question you ask becomes a run, with its steps and how long each took.</p></Empty>;
}

function RunTable({ runs }: { runs: Run[] }) {
  return (
    <table className="table list-table">
      <caption className="sr-only">Runs, newest first</caption>
      <thead><tr><th scope="col">Run</th><th scope="col">Status</th><th scope="col">By</th><th scope="col" className="num">Took</th><th scope="col" className="num">Started</th></tr></thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id} className="row-link">
            <td className="cell-main">
              <Link to="/runs/$runId" params={{ runId: run.id }} className="row-title">{run.title}</Link>
              {run.error ? <span className="row-error">{run.error.message}</span> : null}
            </td>
            <td><RunStatusView status={run.status} /></td>
            <td className="quiet">{run.subject}</td>
            <td className="num"><Took run={run} /></td>
            <td className="num quiet"><Moment at={run.started_at ?? run.created_at} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Took({ run }: { run: Run }) {
  const ms = between(run.started_at, run.finished_at);
  return ms === null ? <Nothing means="not finished" /> : <>{formatDuration(ms)}</>;
}
