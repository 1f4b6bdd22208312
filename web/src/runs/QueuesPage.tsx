// The queues, live: what stands in line, what is at work, how long it takes, what is allowed, and who works. A queue can
// be paused with a reason and resumed, and what it allows can be changed.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { api, expect } from "../api/client";
import { queuesQuery, type RunFilter } from "../api/queries";
import type { Queue, RunStatus } from "../api/types";
import { atLeast, useSession } from "../shell/session-context";
import { formatDuration, formatNumber } from "../lib/format";
import { useTitle } from "../lib/hooks";
import { Moment, Nothing, Status, type Tone } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Icon, type IconName } from "../ui/Icon";
import { Query } from "../ui/Query";
import { Empty } from "../ui/States";
import { Asked, WithWords } from "./changes";
import { LimitsForm } from "./LimitsForm";
import { limitsOf, stateOf, type QueueState } from "./words";
import { WorkersTable } from "./WorkersTable";

const MAX_REASON = 500;
/** Elsewhere the queues are only names and a count; here somebody watches them. */
const POLL_MS = 2_000;
/** Queues belong to the installation, so only people of this tenant change them. */
const HOME = "default";

type May = { pause: boolean; limit: boolean };

export function QueuesPage() {
  useTitle("Queues");
  const session = useSession();
  const query = useQuery({ ...queuesQuery, refetchInterval: POLL_MS });
  const home = session.tenant === HOME;
  const may = { pause: home && atLeast(session, "operator"), limit: home && atLeast(session, "admin") };
  return (
    <div className="page">
      <div className="page-head"><h1 tabIndex={-1}>Queues</h1></div>
      <Query query={query} what="the queues" rows={4}>
        {(queues) => queues.length === 0
          ? <Empty icon="queues" title="No queues yet"><p>A queue appears when a workflow is known or a setting names one.</p></Empty>
          : <div className="cards">{queues.map((queue) => <QueueCard key={queue.name} queue={queue} may={may} />)}</div>}
      </Query>
      <p className="hint queues-note">Counts are those of the tenant {session.tenant}.{may.limit ? "" : ` Queues are shared by all tenants; operators of the tenant “${HOME}” can pause them, and its admins can limit them.`}</p>
      {atLeast(session, "operator") ? <WorkersTable /> : null}
    </div>
  );
}

const LOOKS: Record<QueueState, { tone: Tone; word: string; icon?: IconName }> = {
  paused: { tone: "warn", word: "Paused", icon: "pause" },
  closed: { tone: "warn", word: "Closed by a limit", icon: "blocked" },
  unserved: { tone: "bad", word: "No worker" },
  behind: { tone: "warn", word: "Behind", icon: "clock" },
  working: { tone: "busy", word: "Working" },
  idle: { tone: "good", word: "Idle" },
};

function QueueCard({ queue, may }: { queue: Queue; may: May }) {
  const state = LOOKS[stateOf(queue)];
  const limits = limitsOf(queue.limits);
  const others = queue.kinds.filter((kind) => kind !== queue.name);
  return (
    <section className="card queue" aria-labelledby={`queue-${queue.name}`}>
      <div className="queue-head">
        <h2 id={`queue-${queue.name}`}><Link to="/runs" search={{ queue: queue.name }} className="queue-name">{queue.name}</Link></h2>
        <Status tone={state.tone} {...(state.icon ? { icon: state.icon } : {})}>{state.word}</Status>
        <span className="queue-actions">
          {may.limit ? <Limits queue={queue} /> : null}
          {may.pause ? queue.paused ? <Resume queue={queue} /> : <Pause queue={queue} /> : null}
        </span>
      </div>
      {queue.paused ? (
        <div className="queue-paused"><Icon name="pause" size={14} /><p>Paused <Moment at={queue.paused.at} /> by {queue.paused.by}{queue.paused.reason ? <>: <span className="break">{queue.paused.reason}</span></> : "."}</p></div>
      ) : null}
      <dl className="figures">
        <Figure name="Ready" value={formatNumber(queue.queued)} to={{ queue: queue.name, status: "queued" }} shown={queue.queued > 0} />
        <Figure name="Delayed" value={formatNumber(queue.delayed)} to={{ queue: queue.name, status: "queued" }} shown={queue.delayed > 0} />
        <Figure name="Running" value={formatNumber(queue.running)} to={{ queue: queue.name, status: "running" }} shown={queue.running > 0} />
        <Figure name="Waiting" value={formatNumber(queue.waiting)} to={{ queue: queue.name, status: "waiting" }} shown={queue.waiting > 0} />
        <Figure name="Dead letters" value={formatNumber(queue.dead)} to={{ queue: queue.name, status: "dead" }} shown={queue.dead > 0} bad={queue.dead > 0} />
        <Figure name="Oldest wait" value={typeof queue.oldest_wait_seconds === "number" ? formatDuration(queue.oldest_wait_seconds * 1_000) : null} />
        <Figure name="Workers" value={formatNumber(queue.workers)} bad={queue.workers === 0} />
      </dl>
      <dl className="props queue-props">
        {queue.per_minute ? <div><dt>Per minute, lately</dt><dd>{formatNumber(queue.per_minute.succeeded)} succeeded, {formatNumber(queue.per_minute.failed)} failed</dd></div> : null}
        <Times name="Waited to begin" times={queue.wait_ms} />
        <Times name="Took" times={queue.run_ms} />
        <div><dt>Limits</dt><dd>{limits.length > 0 ? limits.join(", ") : "none"}</dd></div>
        {others.length > 0 ? <div><dt>Kinds</dt><dd>{others.join(", ")}</dd></div> : null}
      </dl>
    </section>
  );
}

type FigureProps = { name: string; value: ReactNode; to?: RunFilter & { status: RunStatus }; shown?: boolean; bad?: boolean };

function Figure({ name, value, to, shown = false, bad = false }: FigureProps) {
  return (
    <div className={bad ? "figure-bad" : value === "0" ? "figure-zero" : ""}>
      <dt>{name}</dt>
      <dd>{value === null ? <Nothing /> : to && shown ? <Link to="/runs" search={to}>{value}</Link> : value}</dd>
    </div>
  );
}

function Times({ name, times }: { name: string; times: Queue["wait_ms"] }) {
  return times ? <div><dt>{name}, median · p99</dt><dd>{formatDuration(times.p50)} · {formatDuration(times.p99)}</dd></div> : null;
}

function Limits({ queue }: { queue: Queue }) {
  const [open, setOpen] = useState(false);
  const close = (): void => setOpen(false);
  return (
    <>
      <Button icon="settings" onClick={() => setOpen(true)}>Limits</Button>
      <Dialog open={open} onClose={close} title={`Limits of ${queue.name}`}><LimitsForm queue={queue} onClose={close} /></Dialog>
    </>
  );
}

function Pause({ queue }: { queue: Queue }) {
  return (
    <WithWords
      button="Pause" icon="pause" title={`Pause ${queue.name}?`} verb="Pause the queue" keep="Leave it open"
      label="Reason" needed limit={MAX_REASON} failed="The queue was not paused"
      text="For all tenants: no run of it begins until somebody resumes it. Runs at work go on to their end, and new ones may still join the line."
      call={(reason) => expect(api.POST("/api/v1/queues/{name}/pause", { params: { path: { name: queue.name } }, body: { reason } }))}
    />
  );
}

function Resume({ queue }: { queue: Queue }) {
  return (
    <Asked
      mild button="Resume" icon="play" title={`Resume ${queue.name}?`} verb="Resume the queue" keep="Keep it paused" failed="The queue was not resumed"
      text="For all tenants: what stands in line begins at once, the first first."
      call={() => expect(api.POST("/api/v1/queues/{name}/resume", { params: { path: { name: queue.name } } }))}
    />
  );
}
