// The live list of runs: filters in the address, walked with j and k, and for runs of one status that allows it
// changes of many at once. Dead letters are this list with their status.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { queuesQuery, runsQuery, type RunFilter } from "../api/queries";
import type { Run } from "../api/types";
import { atLeast, useSession } from "../shell/session-context";
import { formatCount, formatNumber } from "../lib/format";
import { useTitle } from "../lib/hooks";
import { Button } from "../ui/Button";
import { Here } from "../ui/Here";
import { Query } from "../ui/Query";
import { Empty } from "../ui/States";
import { BulkBar, type Selection } from "./BulkBar";
import { RunFilters } from "./RunFilters";
import { RunTable } from "./RunTable";
import { useListKeys } from "./useListKeys";
import { bulkActions, heldBack } from "./words";

export function RunsPage() {
  const filter = useSearch({ from: "/runs" });
  const dead = filter.status === "dead";
  useTitle(dead ? "Dead letters" : "Runs");
  return (
    <div className="page">
      <div className="page-head"><h1 tabIndex={-1}>{dead ? "Dead letters" : "Runs"}</h1></div>
      <Tabs dead={dead} />
      <RunList key={JSON.stringify(filter)} filter={filter} />
    </div>
  );
}

function Tabs({ dead }: { dead: boolean }) {
  const letters = useQuery(queuesQuery).data?.reduce((sum, queue) => sum + queue.dead, 0) ?? 0;
  return (
    <nav className="tabs" aria-label="Which runs">
      <Here to="/runs" className="tab" here={!dead}>All runs</Here>
      <Here to="/runs" search={{ status: "dead" }} className="tab" here={dead}>
        Dead letters{letters > 0 ? <> <span className="tab-count">{formatNumber(letters)}</span></> : null}
      </Here>
    </nav>
  );
}

function RunList({ filter }: { filter: RunFilter }) {
  const session = useSession();
  const query = useInfiniteQuery(runsQuery(filter));
  const runs = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const [known, hold] = useHold(runs);
  const { shown, held } = heldBack(runs, known);
  const actions = atLeast(session, "operator") ? bulkActions(filter.status) : [];
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const toggle = (id: string): void => setSelected((before) => {
    const after = new Set(before);
    if (!after.delete(id)) after.add(id);
    return after;
  });
  const list = useRef<HTMLDivElement>(null);
  useListKeys(list, actions.length > 0 ? toggle : null);
  // What has left the list meanwhile is no longer meant.
  const picked = shown.filter((run) => selected.has(run.id)).map((run) => run.id);
  const selection: Selection = { ids: picked, filter, all: runs.length, more: query.hasNextPage };
  return (
    <>
      <RunFilters filter={filter} held={held} live={!query.isError} onShowHeld={() => hold(null)} />
      <Query query={query} what="the list of runs" rows={8}>
        {() => (
          <>
            {actions.length > 0 ? <BulkBar actions={actions} selection={selection} onSelect={(all) => setSelected(new Set(all ? shown.map((run) => run.id) : []))} /> : null}
            {runs.length === 0 ? <NoRuns filter={filter} /> : (
              <>
                <div ref={list} onPointerEnter={() => hold(runs)} onPointerLeave={() => hold(null)} onFocus={() => hold(runs)} onBlur={(event) => { if (!event.currentTarget.contains(event.relatedTarget)) hold(null); }}>
                  <RunTable runs={shown} selected={actions.length > 0 ? selected : null} onToggle={toggle} />
                </div>
                {query.hasNextPage
                  ? <div className="more"><Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>Show older</Button></div>
                  : <p className="list-end hint">{formatCount(runs.length, "run")}</p>}
              </>
            )}
          </>
        )}
      </Query>
    </>
  );
}

/** While the pointer or the focus is in the list, nothing new moves what stands under it. */
function useHold(runs: Run[]): [ReadonlySet<string> | null, (runs: Run[] | null) => void] {
  const [known, setKnown] = useState<ReadonlySet<string> | null>(null);
  const hold = (now: Run[] | null): void => setKnown((before) => (now === null ? null : before ?? new Set(now.map((run) => run.id))));
  // None of those that were known is there any more: then there is nothing to keep in place.
  const gone = known !== null && runs.length > 0 && !runs.some((run) => known.has(run.id));
  useEffect(() => { if (gone) setKnown(null); }, [gone]);
  return [known, hold];
}

function NoRuns({ filter }: { filter: RunFilter }) {
  const navigate = useNavigate();
  const { status, ...rest } = filter;
  const narrowed = Object.keys(rest).length > 0;
  if (status === "dead" && !narrowed) return <Empty icon="check" title="No dead letters"><p>A run that failed at every attempt comes to rest here, until somebody retries or discards it.</p></Empty>;
  if (status === undefined && !narrowed) return <Empty icon="runs" title="No runs yet" action={<Link className="button button-primary" to="/ask">Ask a question</Link>}><p>Every question you ask becomes a run, with its steps and how long each took.</p></Empty>;
  return <Empty icon="runs" title="No run matches these filters" action={<Button onClick={() => void navigate({ to: "/runs" })}>Show all runs</Button>} />;
}
