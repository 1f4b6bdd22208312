// One run, live: what was asked, where it stands, its timeline, what went in and came out, its log, and what can be
// done with it.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { isActive, runQuery } from "../api/queries";
import type { RunDetail } from "../api/types";
import { answerOf, questionOf, waitingOf } from "../ask/AskRunPage";
import { leadOf } from "../ask/sentence";
import { submit } from "../ask/conversation";
import { atLeast, useSession } from "../shell/session-context";
import { formatCount, formatDuration } from "../lib/format";
import { useNow, useTitle } from "../lib/hooks";
import { between } from "../lib/time";
import { Id, Moment } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { Query } from "../ui/Query";
import { JsonFold } from "./Json";
import { Decision, RunActions } from "./RunActions";
import { RunLogs } from "./RunLogs";
import { RunStatusView } from "./status";
import { errorOf } from "./timeline";
import { TimelineView } from "./TimelineView";
import { useRunEvents } from "./useRunEvents";
import { WhyFailed } from "./WhyFailed";
import { canRetry, mayChange, whyNotYet } from "./words";

const CLOCK_MS = 1_000;

export function RunPage() {
  const { runId } = useParams({ from: "/runs/$runId" });
  // Only whether to listen; the query below decides how often to ask.
  const live = useQuery({ ...runQuery(runId), refetchInterval: false, select: (run) => isActive(run.status) }).data ?? false;
  const { connected, now } = useRunEvents(runId, live);
  const query = useQuery(runQuery(runId, connected));
  useTitle(query.data?.title ?? "Run");
  return (
    <div className="page">
      <nav aria-label="Where you are" className="crumb"><Link to="/runs">Runs</Link></nav>
      <Query query={query} what="this run" heading="Run" rows={6}>
        {(run) => <RunView run={run} doing={now.step} percent={now.percent ?? run.progress} />}
      </Query>
    </div>
  );
}

function RunView({ run, doing, percent }: { run: RunDetail; doing: string | null; percent: number }) {
  const session = useSession();
  const live = isActive(run.status);
  const answer = answerOf(run);
  return (
    <>
      <div className="page-head">
        <h1 tabIndex={-1}>{run.title || run.kind}</h1>
        <div className="page-actions">
          {answer ? <Link className="button button-default" to="/ask/$runId" params={{ runId: run.id }}>See the answer</Link> : null}
          {!live && !answer && run.kind === "ask" && atLeast(session, "member") ? <AskAgain question={questionOf(run)} /> : null}
          <RunActions run={run} />
        </div>
      </div>
      <Properties run={run} percent={percent} />
      <Standing run={run} />
      {answer ? <p className="run-answer">{leadOf(answer)}</p> : null}
      <WhyFailed run={run} />
      <section aria-labelledby="steps" className="section">
        <h2 id="steps">Steps</h2>
        {run.steps.length === 0 && run.attempts.length === 0 && !live
          ? <p className="quiet">It ended before its first step.</p>
          : <TimelineView run={run} live={live} doing={doing} />}
      </section>
      <section aria-labelledby="content" className="section">
        <h2 id="content">Input and output</h2>
        <div className="json-folds">
          <JsonFold value={run.input} label="Input" />
          {run.output === null || run.output === undefined ? <p className="quiet">{live ? "There is no output yet." : "It left no output."}</p> : <JsonFold value={run.output} label="Output" />}
        </div>
      </section>
      <RunLogs run={run} doing={doing} />
      {!mayChange(session, run) && (live || canRetry(run)) ? <p className="hint section">You are {session.role} here. {run.subject} or an operator can {live ? "cancel" : "retry"} this run.</p> : null}
    </>
  );
}

function Properties({ run, percent }: { run: RunDetail; percent: number }) {
  const live = isActive(run.status);
  return (
    <dl className="props">
      <div><dt>Status</dt><dd><RunStatusView status={run.status} stopping={run.cancel_requested} /></dd></div>
      <div><dt>By</dt><dd>{run.subject}</dd></div>
      <div><dt>Asked</dt><dd><Moment at={run.created_at} /></dd></div>
      {live && run.status !== "running" ? null : <div><dt>{live ? "Running for" : "Took"}</dt><dd><Elapsed run={run} /></dd></div>}
      {live && percent > 0 ? <div><dt>Progress</dt><dd>{percent} %</dd></div> : null}
      <div><dt>Queue</dt><dd><Link className="link" to="/runs" search={{ queue: run.queue }}>{run.queue}</Link></dd></div>
      {run.kind === run.queue ? null : <div><dt>Workflow</dt><dd>{run.kind}</dd></div>}
      {run.attempt > 1 ? <div><dt>Attempt</dt><dd>{run.attempt} of {run.max_attempts}</dd></div> : null}
      {run.retry_count > 0 ? <div><dt>Retried</dt><dd>{formatCount(run.retry_count, "time")}</dd></div> : null}
      <div><dt>Id</dt><dd><Id id={run.id} what="run id" /></dd></div>
    </dl>
  );
}

/** From when it began, or was asked for, until it ended, or now. */
function Elapsed({ run }: { run: RunDetail }) {
  const now = useNow(isActive(run.status) ? CLOCK_MS : null);
  const ms = between(run.started_at ?? run.created_at, run.finished_at ?? new Date(now).toISOString());
  return <>{formatDuration(ms ?? 0)}</>;
}

/** Where it stands, when that needs more than a word: why it waits, or of what it failed. */
function Standing({ run }: { run: RunDetail }) {
  if (run.discarded) return <Discarded discarded={run.discarded} />;
  if (run.status === "waiting") return <Waiting run={run} />;
  if (run.status === "queued") return <Queued run={run} />;
  // The failing step stands open and says it; saying it twice would bury the rest.
  const stepSays = run.steps.some((step) => errorOf(step) !== null && errorOf(step)?.code === run.error?.code);
  if (!run.error || stepSays || run.status === "running") return null;
  const cancelled = run.status === "cancelled";
  return (
    <div className={`notice ${cancelled ? "notice-plain" : "notice-bad"}`}><div className="notice-body">
      <p className="notice-title">{run.status === "dead" ? `Given up after ${formatCount(run.attempt, "attempt")}` : cancelled ? "This run was cancelled" : "This run failed"}</p>
      <p>{cancelled ? "Steps that were finished stay in the record." : run.error.message}{run.kind === "ask" ? " No data was changed." : ""}</p>
      <div className="notice-foot"><code>{run.error.code}</code></div>
    </div></div>
  );
}

function Queued({ run }: { run: RunDetail }) {
  const later = run.waiting_reason === "scheduled" || run.waiting_reason === "retry";
  // A run that simply has its turn next needs no explanation.
  if (!run.waiting_reason || run.waiting_reason === "waiting_for_worker") return null;
  return (
    <div className="notice notice-plain"><Icon name="clock" /><div className="notice-body">
      <p className="notice-title">{whyNotYet(run)}</p>
      <p>{later ? <>It begins <Moment at={run.due_at} />.</> : "It keeps its place in line and begins by itself when that changes."}{run.error ? ` Its last attempt failed: ${run.error.message}` : ""}</p>
      {later ? null : <div className="notice-foot"><Link className="button button-default" to="/queues">See the queues</Link></div>}
    </div></div>
  );
}

function Waiting({ run }: { run: RunDetail }) {
  const session = useSession();
  const approval = run.waits.find((wait) => wait.kind === "approval");
  const [first] = run.waits;
  const waited = waitingOf(run);
  return (
    <div className="notice notice-warn"><Icon name="clock" /><div className="notice-body">
      <p className="notice-title">{whyNotYet(run)}</p>
      {first ? <p>It began to wait <Moment at={first.since} />{first.until ? <>, and the wait ends by itself <Moment at={first.until} /></> : null}. It holds no worker meanwhile.</p> : null}
      {approval && waited?.response_type === "approval_required" && waited.data.approval_id
        ? <div className="notice-foot"><Link className="button button-default" to="/approvals/$approvalId" params={{ approvalId: waited.data.approval_id }}>See what is asked for</Link></div>
        : approval ? atLeast(session, "operator") ? <Decision run={run} /> : <p>An operator of this tenant decides.</p> : null}
    </div></div>
  );
}

function Discarded({ discarded }: { discarded: NonNullable<RunDetail["discarded"]> }) {
  return (
    <div className="notice notice-plain"><Icon name="trash" /><div className="notice-body">
      <p className="notice-title">Discarded <Moment at={discarded.at} />{discarded.by ? ` by ${discarded.by}` : ""}</p>
      <p>{discarded.reason ?? "No reason was given."}</p>
    </div></div>
  );
}

function AskAgain({ question }: { question: string }) {
  const session = useSession();
  const navigate = useNavigate();
  const again = (): void => { submit(session, question); void navigate({ to: "/ask" }); };
  return <Button icon="ask" title="Starts a new run from the first step; this one stays as it is" onClick={again}>Ask again</Button>;
}
