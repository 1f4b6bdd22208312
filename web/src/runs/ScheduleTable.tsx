// The rows of the list of schedules.
import { Link } from "@tanstack/react-router";
import type { Schedule } from "../api/types";
import { useNow } from "../lib/hooks";
import { Moment, Nothing, Status, type Tone } from "../ui/Bits";
import type { IconName } from "../ui/Icon";
import { standingOf, STANDINGS, whenOf, type Standing } from "./schedule";
import { RunStatusView } from "./status";

/** A tick is decided on within a moment, which is not yet worth a word. */
const DECIDING_MS = 10_000;

const LOOKS: Record<Standing, { tone: Tone; icon?: IconName }> = {
  active: { tone: "good" },
  paused: { tone: "warn", icon: "pause" },
  late: { tone: "bad", icon: "clock" },
  over: { tone: "unknown", icon: "stop" },
};

export function StandingView({ schedule }: { schedule: Schedule }) {
  const standing = standingOf(schedule);
  return <Status {...LOOKS[standing]}>{STANDINGS[standing]}</Status>;
}

/** What became of the last tick, and the way to its run. */
export function LastTick({ last }: { last: Schedule["last"] }) {
  if (!last) return <Nothing means="it has not ticked yet" />;
  const what = last.status ? <RunStatusView status={last.status} /> : <Status tone="unknown" icon={last.outcome === "skipped" ? "blocked" : "clock"}>{last.outcome === "skipped" ? "Skipped" : "Run removed"}</Status>;
  return (
    <span className="last-tick">
      {last.run_id && last.status ? <Link className="over" to="/runs/$runId" params={{ runId: last.run_id }}>{what}</Link> : what}
      <span className="quiet"><Moment at={last.at} /></span>
    </span>
  );
}

export function ScheduleTable({ schedules }: { schedules: Schedule[] }) {
  return (
    <table className="table list-table">
      <caption className="sr-only">Schedules, by name</caption>
      <thead><tr><th scope="col">Schedule</th><th scope="col">Status</th><th scope="col">When</th><th scope="col">Last</th><th scope="col" className="num">Next</th></tr></thead>
      <tbody>{schedules.map((schedule) => <Row key={schedule.id} schedule={schedule} />)}</tbody>
    </table>
  );
}

function Row({ schedule }: { schedule: Schedule }) {
  const due = useDue(schedule);
  return (
    <tr className="row-link">
      <td className="cell-main">
        <Link to="/schedules/$scheduleId" params={{ scheduleId: schedule.id }} className="row-title">{schedule.name}</Link>
        <span className="row-error clamp">{[schedule.kind, questionOf(schedule)].filter(Boolean).join(" · ")}</span>
      </td>
      <td><StandingView schedule={schedule} /></td>
      <td className="cell-when"><When schedule={schedule} /></td>
      <td data-unit="last"><LastTick last={schedule.last} /></td>
      <td className="num quiet" data-unit={due ? undefined : "next"}><NextTick schedule={schedule} /></td>
    </tr>
  );
}

function When({ schedule }: { schedule: Schedule }) {
  const { words, cron, zone } = whenOf(schedule);
  return (
    <>
      {words ?? <code>{cron}</code>}
      {zone ? <span className="row-error">{words ? <><code>{cron}</code> · </> : null}{zone}</span> : null}
    </>
  );
}

/** Whether it should have ticked by now, give or take the moment that a decision takes. */
function useDue({ paused, next_at: next, jitter_seconds: jitter }: Schedule): boolean {
  const now = useNow();
  return !paused && next !== null && next !== undefined && Date.parse(next) + jitter * 1_000 + DECIDING_MS < now;
}

/** When it ticks next, or when it should have. */
export function NextTick({ schedule }: { schedule: Schedule }) {
  const due = useDue(schedule);
  if (schedule.paused) return <Nothing means="none while it is paused" />;
  return <>{due ? "due " : null}<Moment at={schedule.next_at} /></>;
}

/** What a schedule asks; none where it runs something else. */
export function questionOf({ input }: Pick<Schedule, "input">): string | null {
  return input && typeof input === "object" && "question" in input && typeof input.question === "string" ? input.question : null;
}
