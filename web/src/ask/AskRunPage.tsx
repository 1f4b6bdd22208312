// One past answer at its own address, to be shared. A run that is still going is followed to its end.
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useRef } from "react";
import { readAnswer } from "../api/answer";
import { isActive, runQuery } from "../api/queries";
import type { Answer, RunDetail, StepEvent } from "../api/types";
import { useTitle } from "../lib/hooks";
import { between } from "../lib/time";
import { Id, Moment } from "../ui/Bits";
import { Query } from "../ui/Query";
import { Note } from "../ui/States";
import { useSession } from "../shell/session-context";
import { AnswerView, type AnswerActions } from "./AnswerView";
import { Composer, type ComposerHandle } from "./Composer";
import { startOver, submit, submitChange } from "./conversation";
import { errorOf } from "../runs/timeline";
import { DoneSteps, LiveSteps } from "./Steps";

export function AskRunPage() {
  const { runId } = useParams({ from: "/ask/$runId" });
  const session = useSession();
  const navigate = useNavigate();
  const composer = useRef<ComposerHandle>(null);
  const query = useQuery(runQuery(runId));
  useTitle(query.data?.title ?? "Answer");
  const inNewConversation = (start: () => void): void => { startOver(); start(); void navigate({ to: "/ask" }); };
  const onAsk = (message: string): void => inNewConversation(() => submit(session, message));
  return (
    <div className="ask">
      <Query query={query} what="this answer" heading="Answer" shape="text">
        {(run) => (
          <>
            <div className="ask-head">
              <p className="crumb">Asked by {run.subject} <Moment at={run.created_at} /> <Id id={run.id} what="run id" /></p>
            </div>
            <PastAnswer
              run={run}
              actions={{
                onAsk,
                onPick: (reply, choice) => inNewConversation(() => submit(session, questionOf(run), null, { kind: "choice", runId: reply, choice })),
                onAgain: () => onAsk(questionOf(run)),
                onChange: (chip, alternative, connection) => inNewConversation(() => submitChange(session, chip, alternative, connection)),
                onEdit: (part) => composer.current?.edit(questionOf(run), part),
                onRejoin: () => void query.refetch(),
                onRun: (waiting) => inNewConversation(() => submit(session, questionOf(run), waiting.connection_id, { kind: "confirmed", waiting })),
              }}
            />
            <div className="ask-dock"><Composer ref={composer} onAsk={onAsk} working={false} onStop={() => undefined} last={questionOf(run)} placeholder="Ask something else" /></div>
          </>
        )}
      </Query>
    </div>
  );
}

function PastAnswer({ run, actions }: { run: RunDetail; actions: AnswerActions }) {
  const answer = answerOf(run);
  const steps = stepsOf(run);
  const waiting = waitingOf(run);
  return (
    <article className="turn">
      <h1 className="question" tabIndex={-1}>{questionOf(run)}</h1>
      {isActive(run.status) && !waiting ? <LiveSteps steps={steps} startedAt={Date.parse(run.created_at)} reconnecting={0} /> : null}
      {waiting ? <AnswerView answer={waiting} question={questionOf(run)} latest {...actions} /> : null}
      {answer ? <AnswerView answer={answer} question={questionOf(run)} latest {...actions} /> : null}
      {!answer && !isActive(run.status) ? <Note><p>{run.status === "cancelled" ? "This question was cancelled before it was answered." : run.error?.message ?? "This question ended without an answer."}</p></Note> : null}
      {isActive(run.status) ? null : <DoneSteps steps={steps} />}
    </article>
  );
}

export function questionOf(run: RunDetail): string {
  // The title may be cut; the input holds the question as it was asked.
  const { input } = run;
  return input && typeof input === "object" && "question" in input && typeof input.question === "string" ? input.question : run.title;
}

export function answerOf(run: RunDetail): Answer | null {
  const answer = readAnswer(run.output, run.id);
  return answer && { ...answer, run_id: run.id };
}

/** What a question waits for that people decide about. */
export function waitingOf(run: RunDetail): Answer | null {
  const asked = run.status === "waiting" ? run.steps.findLast((step) => step.name === "approver")?.output : null;
  const answer = asked && typeof asked === "object" && "answer" in asked ? readAnswer(asked.answer, run.id) : null;
  return answer && { ...answer, run_id: run.id };
}

function stepsOf(run: RunDetail): StepEvent[] {
  return run.steps.map((step) => ({
    // As the events of a run count them: by their place in the workflow.
    seq: Number.parseInt(step.path, 10), name: step.name,
    status: step.status === "failed" ? "failed" : "succeeded",
    summary: errorOf(step)?.message ?? step.summary,
    elapsed_ms: between(step.started_at, step.finished_at),
  }));
}
