// What runs by itself: the tenant's schedules, when each ticks, and what became of its last tick. Which are shown stands
// in the address.
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useRef } from "react";
import { schedulesQuery } from "../api/queries";
import type { Schedule } from "../api/types";
import { formatCount } from "../lib/format";
import { useTitle } from "../lib/hooks";
import { atLeast, useSession } from "../shell/session-context";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Query } from "../ui/Query";
import { Empty } from "../ui/States";
import { Choice } from "./RunFilters";
import { standingOf, STANDINGS } from "./schedule";
import { ScheduleForm } from "./ScheduleForm";
import { ScheduleTable } from "./ScheduleTable";
import { useListKeys } from "./useListKeys";

/** So many are seen at once, and need no filter. */
const FEW = 5;
const FILTERS = Object.entries(STANDINGS).map(([value, label]) => ({ value, label }));

export function SchedulesPage() {
  useTitle("Schedules");
  const session = useSession();
  const navigate = useNavigate();
  const { add, status } = useSearch({ from: "/schedules" });
  const query = useQuery(schedulesQuery);
  const may = atLeast(session, "operator");
  const go = (search: { add?: boolean; status?: string }): void => void navigate({ to: "/schedules", search });
  const rest = status ? { status } : {};
  const make = may ? <Button look="primary" icon="plus" onClick={() => go({ ...rest, add: true })}>New schedule</Button> : null;
  return (
    <div className="page">
      <div className="page-head">
        <h1 tabIndex={-1}>Schedules</h1>
        {make && query.data?.length !== 0 ? <div className="page-actions">{make}</div> : null}
      </div>
      <Query query={query} what="the schedules" rows={6}>
        {(schedules) => schedules.length === 0
          ? <Empty icon="schedules" title="No schedules yet" action={make}><p>A question that is asked every morning, or every five minutes, stands here with its next and its last run.</p></Empty>
          : (
            <>
              {status || schedules.length > FEW ? <div className="filters">
                <Choice id="status" label="Status" value={status} options={FILTERS} onChange={(value) => go(value ? { status: value } : {})} />
                {status ? <Button look="quiet" onClick={() => go({})}>Clear the filter</Button> : null}
              </div> : null}
              <List schedules={schedules.filter((schedule) => !status || standingOf(schedule) === status)} />
            </>
          )}
      </Query>
      {may ? null : <p className="hint section">You are {session.role} here. Operators and admins of this tenant can make and change schedules.</p>}
      <Dialog open={add === true && may} onClose={() => go(rest)} title="New schedule" className="dialog-wide">
        <ScheduleForm before={null} onDone={({ id }) => void navigate({ to: "/schedules/$scheduleId", params: { scheduleId: id } })} onClose={() => go(rest)} />
      </Dialog>
    </div>
  );
}

function List({ schedules }: { schedules: Schedule[] }) {
  const list = useRef<HTMLDivElement>(null);
  useListKeys(list);
  if (schedules.length === 0) return <Empty icon="schedules" title="No schedule stands so" />;
  return (
    <>
      <div ref={list}><ScheduleTable schedules={schedules} /></div>
      <p className="list-end hint">{formatCount(schedules.length, "schedule")}</p>
    </>
  );
}
