// The Ask page: the question box is the page; a conversation grows above it.
import { useEffect, useMemo, useRef } from "react";
import { useSession } from "../shell/session-context";
import { useTitle } from "../lib/hooks";
import { ALT, useKeys } from "../lib/keys";
import { Button } from "../ui/Button";
import type { AnswerActions } from "./AnswerView";
import { ConnectionChoice, useConnectionChoice } from "./ConnectionChoice";
import { Composer, type ComposerHandle } from "./Composer";
import { isWorking, rejoin, startOver, stop, submit, submitChange, useConversation, type Turn } from "./conversation";
import { TurnView } from "./TurnView";

const EXAMPLES = [
  "How many flights were there in February?",
  "Which carrier had the most delayed flights in February?",
  "Average departure delay by carrier",
  "Revenue by month in 2025",
  "Daily active users in December 2025",
];

function focusWithKeyboard(composer: ComposerHandle | null): void {
  if (matchMedia("(pointer: fine)").matches) composer?.focus();
}

export function AskPage() {
  const session = useSession();
  const { turns } = useConversation();
  const composer = useRef<ComposerHandle>(null);
  const last = turns.at(-1);
  const working = last !== undefined && isWorking(last);
  useTitle(last ? last.message : "Ask");
  const empty = turns.length === 0;
  // The box is drawn anew when the first question moves it down; on a touch screen focus would raise the keyboard.
  useEffect(() => focusWithKeyboard(composer.current), [empty]);
  const [connectionId, setConnectionId] = useConnectionChoice();
  const onAsk = (message: string): void => submit(session, message, connectionId);
  const newOne = (): void => { startOver(); composer.current?.focus(); };
  const bindings = useMemo(() => [
    { keys: "/", run: () => composer.current?.focus() },
    { keys: "n", run: newOne },
    { keys: "alt+n", run: newOne },
  ], []);
  useKeys(bindings);

  const actionsFor = (turn: Turn): AnswerActions => ({
    onAsk,
    onPick: (runId, choice) => {
      submit(session, turn.message, turn.connectionId, { kind: "choice", runId, choice });
      focusWithKeyboard(composer.current);
    },
    onAgain: () => submit(session, turn.message, turn.connectionId, turn.settled),
    onChange: (chip, alternative, connection) => {
      submitChange(session, chip, alternative, connection);
      focusWithKeyboard(composer.current);
    },
    onEdit: (part) => composer.current?.edit(turn.message, part),
    onRejoin: (runId) => rejoin(turn, runId),
    onRun: (waiting) => {
      submit(session, turn.message, waiting.connection_id, { kind: "confirmed", waiting });
      focusWithKeyboard(composer.current);
    },
  });
  const box = (
    <>
      <Composer
        ref={composer} onAsk={onAsk} working={working} last={last?.message} onStop={() => last && stop(last)}
        placeholder={last ? "Ask something else" : "Ask about your data"}
      />
      <ConnectionChoice value={connectionId} onChange={setConnectionId} />
    </>
  );
  if (empty) {
    return (
      <div className="ask ask-empty">
        <h1 tabIndex={-1}>What do you want to know?</h1>
        {box}
        <section aria-labelledby="examples">
          <h2 id="examples" className="section-label">For example</h2>
          <ul className="suggestions">{EXAMPLES.map((text) => <li key={text}><button type="button" className="suggestion" onClick={() => onAsk(text)}>{text}</button></li>)}</ul>
        </section>
      </div>
    );
  }
  return (
    <div className="ask">
      <div className="ask-head">
        <h1 tabIndex={-1}>Ask</h1>
        <Button look="quiet" icon="plus" hint={`${ALT} N`} aria-keyshortcuts="n Alt+N" onClick={newOne}>New conversation</Button>
      </div>
      <div className="turns">{turns.map((turn) => <TurnView key={turn.key} turn={turn} latest={turn === last} actions={actionsFor(turn)} />)}</div>
      <div className="ask-dock">{box}</div>
    </div>
  );
}
