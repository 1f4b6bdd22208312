// What a person can do with one run. Every question says what will and what will not happen again.
import { api, expect } from "../api/client";
import { isActive } from "../api/queries";
import type { RunDetail } from "../api/types";
import { formatCount } from "../lib/format";
import { atLeast, useSession } from "../shell/session-context";
import { Asked, WithWords } from "./changes";
import { canRetry, mayChange } from "./words";

const MAX_REASON = 500;
const MAX_COMMENT = 2_000;

const path = (run: RunDetail) => ({ path: { id: run.id } });

export function RunActions({ run }: { run: RunDetail }) {
  const session = useSession();
  const may = mayChange(session, run);
  const live = isActive(run.status);
  return (
    <>
      <CancelRun run={run} shown={may && live && !run.cancel_requested} />
      <DiscardRun run={run} shown={run.status === "dead" && !run.discarded && atLeast(session, "operator")} />
      <RetryRun run={run} shown={may && canRetry(run)} />
    </>
  );
}

/** `shown` is whether the run can be changed so now. A question that is open stays open even when it cannot any more, so
    that nobody loses the answer to what they have just asked for. */
type ActionProps = { run: RunDetail; shown: boolean };

function CancelRun({ run, shown }: ActionProps) {
  const atWork = run.status === "running";
  return (
    <Asked
      shown={shown} button="Cancel" icon="stop" title="Cancel this run?" keep="Keep it" verb="Cancel the run" failed="The run was not cancelled"
      text={<>{atWork ? "The step under way is stopped, and no further step begins." : "It is taken out of its queue, and no further step begins."} Steps that are finished stay in the record, and nothing is run again.</>}
      call={() => expect(api.POST("/api/v1/runs/{id}/cancel", { params: path(run) }))}
    />
  );
}

function RetryRun({ run, shown }: ActionProps) {
  const done = run.steps.filter((step) => step.status === "succeeded").length;
  return (
    <Asked
      mild shown={shown} button="Retry" icon="refresh" look={run.status === "cancelled" ? "default" : "primary"}
      title="Retry this run?" keep="Leave it" verb="Retry the run" failed="The run is not tried again"
      text={<>
        {done === 0 ? "No step is finished yet, so it begins with its first." : `${formatCount(done, "finished step")} ${done === 1 ? "keeps its result and is" : "keep their results and are"} not run again. It goes on with what is missing.`}
        {" "}It stays the same run, with its history.
      </>}
      call={() => expect(api.POST("/api/v1/runs/{id}/retry", { params: path(run) }))}
    />
  );
}

function DiscardRun({ run, shown }: ActionProps) {
  return (
    <WithWords
      shown={shown} button="Discard" icon="trash" title="Discard this dead letter?" verb="Discard the run" keep="Keep it"
      label="Reason" needed limit={MAX_REASON} failed="The run was not discarded"
      text="It leaves the dead letters and can no longer be retried. Its history stays, with your name and reason."
      call={(reason) => expect(api.POST("/api/v1/runs/{id}/discard", { params: path(run), body: { reason } }))}
    />
  );
}

/** Both decisions are the same size, and each is one tap away from being made. */
export function Decision({ run }: { run: RunDetail }) {
  return (
    <div className="decide">
      <WithWords
        button="Reject" icon="cross" title="Reject this run?" verb="Reject" keep="Not now"
        label="Reason" needed limit={MAX_REASON} failed="The rejection was not taken"
        text="The run is told so with your reason. What it does then is up to its workflow; what is done stays done."
        call={(reason) => expect(api.POST("/api/v1/runs/{id}/reject", { params: path(run), body: { reason } }))}
      />
      <WithWords
        button="Approve" icon="check" mild title="Approve this run?" verb="Approve" keep="Not now"
        label="Comment (may stay empty)" needed={false} limit={MAX_COMMENT} failed="The approval was not taken"
        text="It goes on at once. The first decision counts and cannot be taken back."
        call={(comment) => expect(api.POST("/api/v1/runs/{id}/approve", { params: path(run), body: comment ? { comment } : {} }))}
      />
    </div>
  );
}
