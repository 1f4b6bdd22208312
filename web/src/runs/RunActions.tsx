// What a person can do with one run. Every question says what will and what will not happen again.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactNode } from "react";
import { api, expect } from "../api/client";
import { isActive } from "../api/queries";
import type { RunDetail } from "../api/types";
import { formatCount } from "../lib/format";
import { atLeast, useSession } from "../shell/session-context";
import { Button } from "../ui/Button";
import { Confirm, Dialog } from "../ui/Dialog";
import { AreaField } from "../ui/Field";
import type { IconName } from "../ui/Icon";
import { Failure } from "../ui/States";
import { canRetry, mayChange } from "./words";

const MAX_REASON = 500;
const MAX_COMMENT = 2_000;

function useChange<T>(call: (input: T) => Promise<unknown>, onDone: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: call,
    // Also after a refusal: it mostly means that the run has moved on meanwhile. Nobody waits for the reading: an error
    // is shown at once.
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["runs"] });
      void client.invalidateQueries({ queryKey: ["queues"] });
    },
    onSuccess: onDone,
  });
}

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
  const [asking, setAsking] = useState(false);
  const cancel = useChange(() => expect(api.POST("/api/v1/runs/{id}/cancel", { params: path(run) })), () => setAsking(false));
  const atWork = run.status === "running";
  return (
    <>
      {shown ? <Button icon="stop" onClick={() => { cancel.reset(); setAsking(true); }}>Cancel</Button> : null}
      <Confirm open={asking} onClose={() => setAsking(false)} title="Cancel this run?" keep="Keep it" verb="Cancel the run" busy={cancel.isPending} onConfirm={() => cancel.mutate(undefined)}>
        <p>{atWork ? "The step under way is stopped, and no further step begins." : "It is taken out of its queue, and no further step begins."} Steps that are finished stay in the record, and nothing is run again.</p>
        {cancel.isError ? <Failure error={cancel.error} what="The run was not cancelled" lost="It stands as it stood." change /> : null}
      </Confirm>
    </>
  );
}

function RetryRun({ run, shown }: ActionProps) {
  const [asking, setAsking] = useState(false);
  const retry = useChange(() => expect(api.POST("/api/v1/runs/{id}/retry", { params: path(run) })), () => setAsking(false));
  const done = run.steps.filter((step) => step.status === "succeeded").length;
  return (
    <>
      {shown ? <Button icon="refresh" look={run.status === "cancelled" ? "default" : "primary"} onClick={() => { retry.reset(); setAsking(true); }}>Retry</Button> : null}
      <Confirm mild open={asking} onClose={() => setAsking(false)} title="Retry this run?" keep="Leave it" verb="Retry the run" busy={retry.isPending} onConfirm={() => retry.mutate(undefined)}>
        <p>
          {done === 0 ? "No step is finished yet, so it begins with its first." : `${formatCount(done, "finished step")} ${done === 1 ? "keeps its result and is" : "keep their results and are"} not run again. It goes on with what is missing.`}
          {" "}It stays the same run, with its history.
        </p>
        {retry.isError ? <Failure error={retry.error} what="The run is not tried again" lost="It stands as it stood." change /> : null}
      </Confirm>
    </>
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

type WordsProps = {
  button: string;
  icon: IconName;
  title: string;
  text: ReactNode;
  label: string;
  needed: boolean;
  limit: number;
  verb: string;
  keep: string;
  failed: string;
  mild?: boolean;
  shown?: boolean;
  call: (words: string) => Promise<unknown>;
};

/** A button, and behind it a question that takes a reason or a comment. */
export function WithWords({ button, icon, title, shown = true, ...form }: WordsProps) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      {shown ? <Button icon={icon} onClick={() => setAsking(true)}>{button}</Button> : null}
      <Dialog open={asking} onClose={() => setAsking(false)} title={title} className="dialog-small"><WordsForm {...form} onClose={() => setAsking(false)} /></Dialog>
    </>
  );
}

function WordsForm({ text, label, needed, limit, verb, keep, failed, mild = false, call, onClose }: Omit<WordsProps, "button" | "icon" | "title" | "shown"> & { onClose: () => void }) {
  const [words, setWords] = useState("");
  const [missing, setMissing] = useState(false);
  const change = useChange(call, onClose);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const given = words.trim();
    setMissing(needed && given === "");
    if (!needed || given !== "") change.mutate(given);
  };
  return (
    <form className="dialog-form" onSubmit={submit} noValidate>
      <div className="quiet">{text}</div>
      <AreaField label={label} value={words} maxLength={limit} error={missing ? "Give a reason; others will read it." : null} onChange={(event) => setWords(event.target.value)} />
      {change.isError ? <Failure error={change.error} what={failed} lost="Your words are still here." change /> : null}
      <div className="dialog-foot dialog-foot-two">
        <Button onClick={onClose}>{keep}</Button>
        <Button type="submit" look={mild ? "primary" : "danger"} busy={change.isPending}>{verb}</Button>
      </div>
    </form>
  );
}
