// Every kind of answer, each with what to do next: a result, a question back, a refusal, a block, an error, a wait.
import { Link } from "@tanstack/react-router";
import { useMemo, type ReactNode } from "react";
import type { Alternative, Answer, Chip, Choice, Waiting } from "../api/types";
import { ALT, useKeys } from "../lib/keys";
import { Button } from "../ui/Button";
import { Icon, type IconName } from "../ui/Icon";
import { OfferedSql } from "./ReadBy";
import { ResultView } from "./ResultView";
import { askedOf, Sentence } from "./sentence";
import { STEP_WORDS } from "./Steps";
import { WaitingView } from "./WaitingView";

export type AnswerActions = {
  onPick: (runId: string, choice: Choice) => void;
  onEdit: (part?: string) => void;
  onAsk: (message: string) => void;
  /** The same once more, with the choice or the change it came with. */
  onAgain: () => void;
  /** Another value of a part of how the question was understood, on the connection that answered. */
  onChange: (chip: Chip, alternative: Alternative, connectionId: string) => void;
  onRejoin: (runId: string) => void;
  /** Lets a dear query run whose cost was seen. */
  onRun: (waiting: Waiting) => void;
};
/** How many choices have a key of their own: the digits. */
const MAX_KEYED = 9;

type Props = AnswerActions & { answer: Answer; question: string; latest: boolean; pickedId?: string | null };

export function AnswerView(props: Props) {
  const { answer } = props;
  return (
    <div className={`answer answer-${answer.response_type}`}>
      {answer.response_type === "query_result" ? <Sentence answer={answer} heading={props.question} /> : null}
      <Body {...props} />
    </div>
  );
}

function Body({ answer, question, latest, onPick, onEdit, onAsk, onAgain, onChange, onRejoin, onRun }: Props) {
  switch (answer.response_type) {
    case "query_result":
      return <ResultView answer={answer} question={question} latest={latest} onChange={(chip, alternative) => onChange(chip, alternative, answer.data.connection_id)} />;
    case "clarification":
      return <Clarification question={answer.data.question || answer.summary} choices={answer.data.choices} latest={latest} onPick={(choice) => onPick(answer.run_id, choice)} />;
    case "refused":
      return <Refused summary={answer.summary} data={answer.data} onAsk={onAsk} onEdit={onEdit} />;
    case "blocked":
      return (
        <Outcome icon="blocked" tone="warn" title={answer.summary || "This was not allowed to run"} reasons={answer.data.reasons.filter((reason) => reason !== answer.summary)}>
          <p>{answer.data.gate?.approval_required ? "It needs a person's approval before it can run. Nothing was run." : "Nothing was run and nothing was read."}</p>
          <RunLink runId={answer.run_id} />
        </Outcome>
      );
    case "approval_required":
      return (
        <WaitingView
          waiting={answer.data} question={question} title={answer.summary} latest={latest} runId={answer.run_id} onRun={() => onRun(answer.data)} onEdit={() => onEdit()}
          onChange={(chip, alternative) => onChange(chip, alternative, answer.data.connection_id)}
        />
      );
    case "error":
      return (
        <Outcome icon="warning" tone="bad" title={answer.summary || "The question could not be answered"} reasons={answer.data.errors.filter((reason) => reason !== answer.summary)}>
          <p>No data was changed. You can ask again, or see which step failed.</p>
          <div className="row"><Button icon="refresh" onClick={onAgain}>Ask again</Button><RunLink runId={answer.run_id} /></div>
        </Outcome>
      );
    case "partial_failure":
      return (
        <Outcome icon="warning" tone="bad" title={answer.summary || "Part of this could not be done"} reasons={[...answer.data.errors, ...partialReasons(answer.data.step, answer.data.retry_count)]}>
          <div className="row"><Button icon="refresh" onClick={onAgain}>Ask again</Button><RunLink runId={answer.run_id} /></div>
        </Outcome>
      );
    case "queued":
      return (
        <Outcome icon="clock" tone="plain" title="This takes longer than usual" reasons={[]}>
          <p>The question goes on in the background, also when you leave this page.</p>
          <div className="row"><Button onClick={() => onRejoin(answer.data.run_id)}>Keep waiting here</Button><RunLink runId={answer.data.run_id} /></div>
        </Outcome>
      );
  }
}

function partialReasons(step: string | null | undefined, retries: number | null | undefined): string[] {
  if (!step) return [];
  const words = STEP_WORDS[step]?.doing.toLowerCase() ?? step;
  return [`It stopped while ${words}${retries ? `, after ${retries} more ${retries === 1 ? "try" : "tries"}` : ""}.`];
}

function RunLink({ runId }: { runId: string }) {
  return <Link className="link" to="/runs/$runId" params={{ runId }}>See the run</Link>;
}

type OutcomeProps = { icon: IconName; tone: "warn" | "bad" | "plain"; title: string; reasons: string[]; children?: ReactNode };

function Outcome({ icon, tone, title, reasons, children }: OutcomeProps) {
  return (
    <div className={`notice notice-${tone}`}>
      <Icon name={icon} />
      <div className="notice-body">
        <p className="notice-title">{title}</p>
        {reasons.length === 1 ? <p>{reasons[0]}</p> : null}
        {reasons.length > 1 ? <ul className="reasons">{reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul> : null}
        {children}
      </div>
    </div>
  );
}

type ClarificationProps = { question: string; choices: Choice[]; latest: boolean; onPick: (choice: Choice) => void };

function Clarification({ question, choices, latest, onPick }: ClarificationProps) {
  const bindings = useMemo(() => (latest ? choices.slice(0, MAX_KEYED).flatMap((choice, at) => {
    const run = (): void => onPick(choice);
    return [{ keys: `alt+${at + 1}`, run }, { keys: String(at + 1), run }];
  }) : []), [latest, choices, onPick]);
  useKeys(bindings);
  const asked = useMemo(() => askedOf(question, choices), [question, choices]);
  return (
    <div className="clarify" role="group" aria-label={asked.heading}>
      <p className="sentence"><Icon name="question" size={20} /> {asked.heading}</p>
      {asked.shared ? <p className="clarify-shared">{asked.shared}</p> : null}
      <ul className="choices">
        {choices.map((choice, at) => (
          <li key={choice.id}>
            <button type="button" className="choice" disabled={!latest} onClick={() => onPick(choice)}>
              <span className="choice-label">{asked.choices[at]?.label}</span>
              {latest && at < MAX_KEYED ? <kbd aria-hidden="true">{ALT} {at + 1}</kbd> : null}
              {asked.choices[at]?.detail ? <span className="choice-detail">{asked.choices[at].detail}</span> : null}
            </button>
          </li>
        ))}
      </ul>
      <p className="hint">{latest ? "Pick one, or say it in your own words below." : "The conversation went on below."}</p>
    </div>
  );
}

type RefusedProps = {
  summary: string;
  data: Extract<Answer, { response_type: "refused" }>["data"];
  onAsk: (message: string) => void;
  onEdit: (part?: string) => void;
};

function Refused({ summary, data, onAsk, onEdit }: RefusedProps) {
  return (
    <Outcome icon="question" tone="warn" title={summary || "I did not understand this well enough to answer"} reasons={data.reasons.filter((reason) => reason !== summary)}>
      {data.unknown_words.length > 0 ? (
        <div className="unknown-words">
          <span>Say it differently:</span>
          {data.unknown_words.map((word) => <button type="button" className="chip chip-unknown" key={word} title="Change this in the question" onClick={() => onEdit(word)}>{word}</button>)}
        </div>
      ) : null}
      {data.suggestions.length > 0 ? (
        <>
          <p>You could ask:</p>
          <ul className="suggestions">{data.suggestions.map((text) => <li key={text}><button type="button" className="suggestion" onClick={() => onAsk(text)}>{text}</button></li>)}</ul>
        </>
      ) : <div className="row"><Button onClick={() => onEdit()}>Change the question</Button><Link className="link" to="/data">See what can be asked about</Link></div>}
      <OfferedSql readBy={data.read_by} />
    </Outcome>
  );
}
