// One question and what became of it.
import { useEffect, useRef } from "react";
import type { Problem } from "../api/problem";
import { Link } from "@tanstack/react-router";
import { Failure, Note } from "../ui/States";
import { Button } from "../ui/Button";
import { AnswerView, type AnswerActions } from "./AnswerView";
import { isOpen, isWorking, type Settled, type Turn } from "./conversation";
import { shortLabel } from "./sentence";
import { DoneSteps, LiveSteps } from "./Steps";

type Props = { turn: Turn; latest: boolean; actions: AnswerActions };

export function TurnView({ turn, latest, actions }: Props) {
  const ref = useRef<HTMLElement>(null);
  const working = isWorking(turn);
  useEffect(() => {
    if (latest) ref.current?.scrollIntoView({ block: "start", behavior: "instant" });
  }, [latest]);
  return (
    <article ref={ref} className="turn" aria-busy={working} aria-label={turn.message}>
      <h2 className="question">{turn.message}</h2>
      {turn.settled ? <SettledLine settled={turn.settled} /> : null}
      {working ? <LiveSteps steps={turn.steps} startedAt={turn.startedAt} reconnecting={turn.reconnecting} /> : null}
      {isOpen(turn) && turn.waiting ? <AnswerView answer={turn.waiting} question={turn.message} latest={latest} {...actions} /> : null}
      {turn.answer ? <AnswerView answer={turn.answer} question={turn.message} latest={latest} {...actions} /> : null}
      {turn.problem ? <TurnProblem problem={turn.problem} turn={turn} onAgain={actions.onAgain} /> : null}
      {working ? null : <DoneSteps steps={turn.steps} />}
      {turn.stopped ? <Note tone="plain" icon="stop"><p>You stopped this question. Nothing was changed.</p></Note> : null}
      <p className="sr-only" role="status">{turn.answer ? `Answer: ${turn.answer.summary}` : turn.waiting?.summary ?? ""}</p>
    </article>
  );
}

function SettledLine({ settled }: { settled: Settled }) {
  if (settled.kind === "confirmed") return <p className="picked">You saw what it takes and let it run.</p>;
  return settled.kind === "choice"
    ? <p className="picked">You meant: <strong>{shortLabel(settled.choice.label)}</strong></p>
    : <p className="picked">You changed: <span className="picked-old">{settled.chip.value}</span> to <strong>{settled.alternative.label}</strong></p>;
}

function TurnProblem({ problem, turn, onAgain }: { problem: Problem; turn: Turn; onAgain: () => void }) {
  const going = problem.unreachable && turn.runId !== null;
  return (
    <Failure
      error={problem}
      what={going ? "The connection was lost before the answer came" : "The question was not answered"}
      lost={going ? "The question itself goes on; its answer will be under Runs." : "No data was changed."}
      action={
        <>
          <Button icon="refresh" onClick={onAgain}>Ask again</Button>
          {turn.runId ? <Link className="link" to="/runs/$runId" params={{ runId: turn.runId }}>See the run</Link> : null}
        </>
      }
    />
  );
}
