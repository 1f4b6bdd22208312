// The conversation on the Ask page. It lives outside the components, so that a question goes on being answered while
// the person looks at another page.
import { useSyncExternalStore } from "react";
import { ask, watch, type AskListener } from "../api/ask";
import { api, expect } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { queryClient } from "../api/queries";
import type { Alternative, Answer, AskBody, Chip, Choice, Session, StepEvent, Waiting } from "../api/types";

export type Turn = {
  key: string;
  message: string;
  /** Where the person wants it looked up; null leaves it to the server. */
  connectionId: string | null;
  /** What settles the reading, when it is not the words alone. */
  settled: Settled | null;
  runId: string | null;
  steps: StepEvent[];
  /** What is said as long as it waits for people. */
  waiting: Answer | null;
  answer: Answer | null;
  problem: Problem | null;
  reconnecting: number;
  stopped: boolean;
  startedAt: number;
};
export type Conversation = { sessionId: string; turns: Turn[] };

/** The choice that was picked of a question that was asked back, the change that was made to an answer's reading, or the
 * dear query that may run now that its cost was seen. */
export type Settled = { kind: "choice"; runId: string; choice: Choice } | { kind: "change"; chip: Chip; alternative: Alternative } | { kind: "confirmed"; waiting: Waiting };

const fresh = (): Conversation => ({ sessionId: newId(), turns: [] });
let state: Conversation = fresh();
const listeners = new Set<() => void>();
const running = new Map<string, AbortController>();

function set(next: Conversation): void {
  state = next;
  listeners.forEach((listener) => listener());
}

function change(key: string, update: (turn: Turn) => Partial<Turn>): void {
  set({ ...state, turns: state.turns.map((turn) => (turn.key === key ? { ...turn, ...update(turn) } : turn)) });
}

function newId(): string {
  // randomUUID exists only on secure addresses; random bytes exist everywhere.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function useConversation(): Conversation {
  return useSyncExternalStore((listener) => { listeners.add(listener); return () => listeners.delete(listener); }, () => state);
}

export const isOpen = (turn: Turn): boolean => !turn.answer && !turn.problem && !turn.stopped;

/** One that waits for people is open, and nothing is at work on it: others can be asked meanwhile. */
export const isWorking = (turn: Turn): boolean => isOpen(turn) && !turn.waiting;

export function startOver(): void {
  running.forEach((controller) => controller.abort());
  running.clear();
  set(fresh());
}

/** A step is reported more than once: started, then how it ended. The last word per step stands. */
export function mergeStep(steps: StepEvent[], step: StepEvent): StepEvent[] {
  const known = steps.findIndex((one) => one.seq === step.seq || one.name === step.name);
  return known < 0 ? [...steps, step] : steps.map((one, at) => (at === known ? { ...one, ...step, summary: step.summary || one.summary || "" } : one));
}

function settling(settled: Settled | null): Partial<AskBody> {
  if (settled?.kind === "choice") return { reply_to: settled.runId, choice: settled.choice.id };
  if (settled?.kind === "confirmed") return { query: settled.waiting.query as NonNullable<AskBody["query"]>, confirm_cost: false };
  return settled ? { query: settled.alternative.query as NonNullable<AskBody["query"]> } : {};
}

export function submit(session: Session, message: string, connectionId: string | null = null, settled: Settled | null = null): void {
  const body: AskBody = {
    org_id: session.tenant, user_id: session.subject, message, session_id: state.sessionId, confirm_cost: true,
    ...(connectionId ? { connection_id: connectionId } : {}),
    ...settling(settled),
  };
  const turn: Turn = {
    key: newId(), message, connectionId, settled, runId: null, steps: [], waiting: null, answer: null, problem: null,
    reconnecting: 0, stopped: false, startedAt: Date.now(),
  };
  set({ ...state, turns: [...state.turns, turn] });
  void drive(turn.key, (listener, signal) => ask(body, listener, signal));
}

/** Goes on waiting for a run that was answered "queued". */
export function rejoin(turn: Turn, runId: string): void {
  change(turn.key, () => ({ answer: null, problem: null, runId, startedAt: Date.now() }));
  void drive(turn.key, (listener, signal) => watch(runId, listener, signal));
}

async function drive(key: string, start: (listener: AskListener, signal: AbortSignal) => Promise<Answer>): Promise<void> {
  const controller = new AbortController();
  running.set(key, controller);
  const listener: AskListener = {
    // A changed reading has no words of its own: the server says what is asked now.
    onRun: (runId, question) => change(key, (turn) => ({ runId, ...(question && turn.settled?.kind === "change" ? { message: question } : {}) })),
    onStep: (step) => change(key, (turn) => ({ steps: mergeStep(turn.steps, step), waiting: null, reconnecting: 0 })),
    onWaiting: (waiting) => change(key, () => ({ waiting, reconnecting: 0 })),
    onReconnect: (attempt) => change(key, () => ({ reconnecting: attempt })),
  };
  try {
    const answer = await start(listener, controller.signal);
    change(key, (turn) => ({ answer, runId: answer.run_id || turn.runId }));
  } catch (error) {
    if (!controller.signal.aborted) change(key, () => ({ problem: asProblem(error) }));
  } finally {
    running.delete(key);
    void queryClient.invalidateQueries({ queryKey: ["runs"] });
  }
}

/** Asks with another value of one part of the reading; what is asked is in the query, and the server words it. */
export function submitChange(session: Session, chip: Chip, alternative: Alternative, connectionId: string | null): void {
  submit(session, `${chip.label}: ${alternative.label}`, connectionId || null, { kind: "change", chip, alternative });
}

/** Stops waiting, and cancels the run on the server so that nothing goes on unseen. */
export function stop(turn: Turn): void {
  running.get(turn.key)?.abort();
  change(turn.key, () => ({ stopped: true }));
  if (turn.runId) void expect(api.POST("/api/v1/runs/{id}/cancel", { params: { path: { id: turn.runId } } })).catch(() => undefined);
}
