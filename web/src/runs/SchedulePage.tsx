// One schedule: when it ticks next, what its last runs became of, how it treats ticks that cannot simply run, and what
// can be done with it.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { connectionsQuery, scheduleQuery, scheduleRunsQuery, ticksQuery } from "../api/queries";
import type { Schedule } from "../api/types";
import { formatCount, formatNumber } from "../lib/format";
import { useTitle } from "../lib/hooks";
import { atLeast, useSession } from "../shell/session-context";
import { Id, Moment } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { Query } from "../ui/Query";
import { JsonFold } from "./Json";
import { RunTable } from "./RunTable";
import { catchUpWords, jitterWords, overlapWords, whenOf } from "./schedule";
import { ScheduleActions } from "./ScheduleActions";
import { LastTick, NextTick, questionOf, StandingView } from "./ScheduleTable";
import { Ticks } from "./Ticks";

export function SchedulePage() {
  const { scheduleId } = useParams({ from: "/schedules/$scheduleId" });
  const query = useQuery(scheduleQuery(scheduleId));
  useTitle(query.data?.name ?? "Schedule");
  return (
    <div className="page">
      <nav aria-label="Where you are" className="crumb"><Link to="/schedules">Schedules</Link></nav>
      <Query query={query} what="this schedule" heading="Schedule" rows={6}>{(schedule) => <ScheduleView schedule={schedule} />}</Query>
    </div>
  );
}

function ScheduleView({ schedule }: { schedule: Schedule }) {
  const session = useSession();
  const may = atLeast(session, "operator");
  return (
    <>
      <div className="page-head">
        <h1 tabIndex={-1}>{schedule.name}</h1>
        {may ? <div className="page-actions page-actions-even"><ScheduleActions schedule={schedule} /></div> : null}
      </div>
      <Properties schedule={schedule} />
      <Standing schedule={schedule} />
      <section aria-labelledby="what" className="section"><h2 id="what">What it runs</h2><Work schedule={schedule} /></section>
      <div className="schedule-plan">
        <section aria-labelledby="next" className="section"><h2 id="next">Next ticks</h2><NextTicks schedule={schedule} /></section>
        <section aria-labelledby="policy" className="section"><h2 id="policy">Policy</h2><Policy schedule={schedule} /></section>
      </div>
      <section aria-labelledby="runs" className="section"><h2 id="runs">Last runs</h2><Runs schedule={schedule} /></section>
      {may ? null : <p className="hint section">You are {session.role} here. Operators and admins of this tenant can change this schedule.</p>}
    </>
  );
}

function Properties({ schedule }: { schedule: Schedule }) {
  const when = whenOf(schedule);
  return (
    <dl className="props">
      <div><dt>Status</dt><dd><StandingView schedule={schedule} /></dd></div>
      {when.words ? <div><dt>When</dt><dd>{when.words}</dd></div> : null}
      {when.cron ? <div><dt>Cron</dt><dd><code className="break">{when.cron}</code></dd></div> : null}
      {when.zone ? <div><dt>Time zone</dt><dd className="break">{when.zone}</dd></div> : null}
      <div><dt>Next</dt><dd><NextTick schedule={schedule} /></dd></div>
      <div><dt>Last</dt><dd><LastTick last={schedule.last} /></dd></div>
      <div><dt>Queue</dt><dd><Link className="link" to="/runs" search={{ queue: schedule.queue }}>{schedule.queue}</Link></dd></div>
      <div><dt>Runs act for</dt><dd>{schedule.subject}</dd></div>
      <div><dt>Changed</dt><dd><Moment at={schedule.updated_at} /></dd></div>
      <div><dt>Id</dt><dd><Id id={schedule.id} what="schedule id" /></dd></div>
    </dl>
  );
}

/** Where it stands, when that needs more than a word. */
function Standing({ schedule }: { schedule: Schedule }) {
  if (schedule.paused) {
    return (
      <div className="notice notice-warn"><Icon name="pause" /><div className="notice-body">
        <p className="notice-title">Paused <Moment at={schedule.paused_at} />{schedule.paused_by ? ` by ${schedule.paused_by}` : ""}</p>
        <p>It does not tick until somebody resumes it. It can still be run by hand.</p>
      </div></div>
    );
  }
  if (!schedule.late) return null;
  return (
    <div className="notice notice-bad"><Icon name="clock" /><div className="notice-body">
      <p className="notice-title">It should have ticked <Moment at={schedule.next_at} /></p>
      <p>Every worker looks after the schedules, so probably none is up. Once one is, missed ticks are treated as the policy says.</p>
      <div className="notice-foot"><Link className="button button-default" to="/queues">See the workers</Link></div>
    </div></div>
  );
}

function Work({ schedule }: { schedule: Schedule }) {
  const question = questionOf(schedule);
  const connections = useQuery(connectionsQuery).data ?? [];
  if (question === null) return <JsonFold value={schedule.input} label={`The input of ${schedule.kind}`} />;
  const connection = connections.find((one) => one.id === (schedule.input as { connection?: unknown }).connection);
  return (
    <>
      <p className="run-answer">{question}</p>
      <dl className="props work">
        <div><dt>Workflow</dt><dd>{schedule.kind}</dd></div>
        {connection ? <div><dt>Connection</dt><dd><Link className="link" to="/data/$connection" params={{ connection: connection.id }}>{connection.name}</Link></dd></div> : null}
      </dl>
    </>
  );
}

function NextTicks({ schedule }: { schedule: Schedule }) {
  const query = useQuery(ticksQuery(schedule.id, `${schedule.updated_at} ${schedule.next_at}`));
  return (
    <Query query={query} what="the next ticks" rows={5}>
      {(ticks) => ticks.length === 0
        ? <p className="quiet">The calendar ends before another one.</p>
        : (
          <>
            <Ticks ticks={ticks} label="Next ticks" />
            <p className="hint">{schedule.paused ? "Once it is resumed. " : ""}By the clocks of {schedule.time_zone}.</p>
          </>
        )}
    </Query>
  );
}

function Policy({ schedule }: { schedule: Schedule }) {
  return (
    <dl className="props props-tall policy">
      <div><dt>Run not ended</dt><dd>{overlapWords(schedule.overlap)}.</dd></div>
      <div><dt>Ticks missed</dt><dd>{catchUpWords(schedule.catch_up)}.{schedule.missed > 0 ? ` ${formatNumber(schedule.missed)} ${schedule.missed === 1 ? "was" : "were"} left out so far.` : ""}</dd></div>
      <div><dt>Begins</dt><dd>{jitterWords(schedule.jitter_seconds)}.</dd></div>
    </dl>
  );
}

function Runs({ schedule }: { schedule: Schedule }) {
  const query = useInfiniteQuery(scheduleRunsQuery(schedule.id));
  return (
    <Query query={query} what="its runs" rows={3}>
      {({ pages }) => {
        const runs = pages.flatMap((page) => page.items);
        if (runs.length === 0) return <p className="quiet">It has not run yet.</p>;
        return (
          <>
            <RunTable runs={runs} />
            {query.hasNextPage
              ? <div className="more"><Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>Show older</Button></div>
              : <p className="list-end hint">{formatCount(runs.length, "run")}</p>}
          </>
        );
      }}
    </Query>
  );
}
