// One run: what was asked, where it stands, its timeline, and its answer. Cancelling says what it will and will not undo.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, expect } from "../api/client";
import { isActive, runQuery } from "../api/queries";
import type { RunDetail } from "../api/types";
import { answerOf, questionOf } from "../ask/AskRunPage";
import { leadOf } from "../ask/sentence";
import { submit } from "../ask/conversation";
import { useSession } from "../shell/session-context";
import { formatDuration } from "../lib/format";
import { useTitle } from "../lib/hooks";
import { between } from "../lib/time";
import { Id, Moment } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Confirm } from "../ui/Dialog";
import { Query } from "../ui/Query";
import { Failure } from "../ui/States";
import { RunStatusView } from "./status";
import { errorOf } from "./timeline";
import { TimelineView } from "./TimelineView";

export function RunPage() {
  const { runId } = useParams({ from: "/runs/$runId" });
  const query = useQuery(runQuery(runId));
  useTitle(query.data?.title ?? "Run");
  return (
    <div className="page">
      <nav aria-label="Where you are" className="crumb"><Link to="/runs">Runs</Link></nav>
      <Query query={query} what="this run" heading="Run" rows={6}>{(run) => <RunView run={run} />}</Query>
    </div>
  );
}

function RunView({ run }: { run: RunDetail }) {
  const live = isActive(run.status);
  const answer = answerOf(run);
  // The failing step stands open and says it; saying it twice would bury the rest.
  const stepSays = run.steps.some((step) => errorOf(step) !== null && errorOf(step)?.code === run.error?.code);
  const took = between(run.started_at, run.finished_at);
  return (
    <>
      <div className="page-head">
        <h1 tabIndex={-1}>{run.title}</h1>
        <div className="page-actions">
          {live ? <CancelRun run={run} /> : null}
          {answer ? <Link className="button button-default" to="/ask/$runId" params={{ runId: run.id }}>See the answer</Link> : null}
          {!live && !answer && run.kind === "ask" ? <AskAgain question={questionOf(run)} /> : null}
        </div>
      </div>
      <dl className="props">
        <div><dt>Status</dt><dd><RunStatusView status={run.status} /></dd></div>
        <div><dt>By</dt><dd>{run.subject}</dd></div>
        <div><dt>Asked</dt><dd><Moment at={run.created_at} /></dd></div>
        {took === null ? null : <div><dt>Took</dt><dd>{formatDuration(took)}</dd></div>}
        {run.attempt > 1 ? <div><dt>Attempt</dt><dd>{run.attempt}</dd></div> : null}
        <div><dt>Id</dt><dd><Id id={run.id} what="run id" /></dd></div>
      </dl>
      {run.error && !stepSays ? (
        <div className={`notice ${run.status === "cancelled" ? "notice-plain" : "notice-bad"}`}><div className="notice-body">
          <p className="notice-title">{run.status === "dead" ? "Given up after the last attempt" : run.status === "cancelled" ? "This run was cancelled" : "This run failed"}</p>
          <p>{run.status === "cancelled" ? "Steps that were finished stay in the record." : run.error.message} No data was changed.</p>
          <div className="notice-foot"><code>{run.error.code}</code></div>
        </div></div>
      ) : null}
      {answer ? <p className="run-answer">{leadOf(answer)}</p> : null}
      <section aria-labelledby="steps" className="section">
        <h2 id="steps">Steps</h2>
        {run.steps.length === 0
          ? <p className="quiet">{live ? "Waiting for a worker to take it up." : "It ended before its first step."}</p>
          : <TimelineView run={run} live={live} />}
      </section>
    </>
  );
}

function AskAgain({ question }: { question: string }) {
  const session = useSession();
  const navigate = useNavigate();
  const again = (): void => { submit(session, question); void navigate({ to: "/ask" }); };
  return <Button icon="refresh" title="Starts a new run from the first step; this one stays as it is" onClick={again}>Ask again</Button>;
}

function CancelRun({ run }: { run: RunDetail }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const cancel = useMutation({
    mutationFn: () => expect(api.POST("/api/v1/runs/{id}/cancel", { params: { path: { id: run.id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: ["runs"] }),
    onSuccess: () => setAsking(false),
  });
  return (
    <>
      <Button icon="stop" onClick={() => setAsking(true)}>Cancel</Button>
      <Confirm open={asking} onClose={() => setAsking(false)} title="Cancel this run?" keep="Keep it running" verb="Cancel the run" busy={cancel.isPending} onConfirm={() => cancel.mutate()}>
        <p>The step under way is stopped, and no further step begins. Steps that are finished stay in the record, and nothing is run again.</p>
        {cancel.isError ? <Failure error={cancel.error} what="The run was not cancelled" lost="It goes on." /> : null}
      </Confirm>
    </>
  );
}
