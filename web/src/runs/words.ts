// What is said of runs and queues in words, and what may be done with them. Pure; tested by tests/unit.
import type { RunEvent } from "../api/events";
import type { RunFilter } from "../api/queries";
import type { BulkAction, BulkChanged, BulkFilter, Queue, Run, RunAttempt, RunDetail, Session } from "../api/types";
import { formatCount, formatDuration, formatNumber } from "../lib/format";
import { atLeast } from "../shell/session-context";

const NOT_YET: Record<string, string> = {
  queue_paused: "Its queue is paused",
  scheduled: "Begins later",
  retry: "Waits before trying again",
  rate_limit: "Its queue has begun as many as its rate allows",
  concurrency_limit: "As many are at work as its queue allows",
  waiting_for_worker: "Waits for a worker",
};

/** Why a run that has not ended is not at work; several waits are told by the first. */
export function whyNotYet(run: Pick<RunDetail, "status" | "waits" | "waiting_reason">): string {
  if (run.status === "queued") return NOT_YET[run.waiting_reason ?? ""] ?? "Waits for a worker";
  const [wait] = run.waits;
  if (!wait) return "Waits";
  if (wait.kind === "approval") return "Waits for a decision";
  return wait.kind === "time" ? "Waits for its time" : `Waits for the signal “${wait.name}”`;
}

const ENDS: Record<string, string> = {
  failed: "failed",
  interrupted: "broke off",
  cancelled: "was cancelled",
  handed_back: "was handed back by a worker that stopped",
};

export const endOf = (attempt: Pick<RunAttempt, "attempt" | "outcome">): string => `Attempt ${attempt.attempt} ${ENDS[attempt.outcome] ?? attempt.outcome}`;

/** Runs that ended, but not well, can be tried again, unless somebody decided that nothing is to be done. */
export const canRetry = (run: Pick<Run, "status" | "discarded">): boolean => ["failed", "dead", "cancelled"].includes(run.status) && !run.discarded;

/** Members change their own runs, operators everybody's. */
export const mayChange = (session: Pick<Session, "role" | "subject">, run: Pick<Run, "subject">): boolean =>
  atLeast(session, "operator") || (atLeast(session, "member") && session.subject === run.subject);

const ACTIONS: Record<string, BulkAction[]> = {
  dead: ["retry", "discard"], failed: ["retry"], cancelled: ["retry"], queued: ["cancel"], running: ["cancel"], waiting: ["cancel"],
};

/** What can be done with many runs of a list at once; none where the list is not of one status that allows any. */
export const bulkActions = (status: string | undefined): BulkAction[] => ACTIONS[status ?? ""] ?? [];

export const VERBS: Record<BulkAction, { verb: string; done: string; will: string }> = {
  retry: { verb: "Retry", done: "tried again", will: "will be tried again" },
  cancel: { verb: "Cancel", done: "cancelled", will: "will be cancelled" },
  discard: { verb: "Discard", done: "discarded", will: "will be discarded" },
};

/** Most runs that can be named one by one. */
export const MAX_IDS = 1_000;

export type Wish = { action: BulkAction; filter: BulkFilter };

/** Those with these ids, or without any all that the list's filters mean. */
export function wishOf(action: BulkAction, filter: RunFilter, ids: string[]): Wish {
  const { status, ...rest } = filter;
  return { action, filter: { ...(status ? { status: [status] } : {}), ...rest, ...(ids.length > 0 ? { ids: ids.slice(0, MAX_IDS) } : {}) } };
}

/** What a bulk change did, honest about what it left alone. */
export function outcomeOf(action: BulkAction, { changed, skipped }: Pick<BulkChanged, "changed" | "skipped">): string {
  const left = skipped === 0 ? "" : ` ${formatCount(skipped, "run")} had changed meanwhile and ${skipped === 1 ? "was" : "were"} left alone.`;
  return `${formatCount(changed, "run")} ${changed === 1 ? "was" : "were"} ${VERBS[action].done}.${left}`;
}

/** The runs that came into a live list since a person began to look closely at it. */
export function heldBack<T extends { id: string }>(runs: T[], known: ReadonlySet<string> | null): { shown: T[]; held: number } {
  if (!known) return { shown: runs, held: 0 };
  // Only what stands before the first known one is new; further down stands what was loaded on request.
  const first = runs.findIndex((run) => known.has(run.id));
  return first <= 0 ? { shown: runs, held: 0 } : { shown: runs.slice(first), held: first };
}

/** What a run does just now, as far as its events tell. */
export type Now = { step: string | null; percent: number | null };

/** What a run is doing after an event: a step that began goes on until it, or the run's state, says otherwise. */
export function nowAfter(before: Now, { name, data }: RunEvent): Now {
  if (name === "step") {
    const step = typeof data["name"] === "string" ? data["name"] : null;
    return { ...before, step: data["status"] === "started" ? step : before.step === step ? null : before.step };
  }
  if (name === "progress" && typeof data["percent"] === "number") return { ...before, percent: data["percent"] };
  return name === "state" || name === "wait" ? { ...before, step: null } : before;
}

export type QueueState = "paused" | "closed" | "unserved" | "behind" | "working" | "idle";
/** From this wait on a queue is said to be behind, in seconds. */
const BEHIND_SECONDS = 60;

export function stateOf(queue: Pick<Queue, "paused" | "workers" | "queued" | "running" | "oldest_wait_seconds" | "limits">): QueueState {
  if (queue.paused) return "paused";
  if (queue.limits.total === 0 || queue.limits.per_tenant === 0) return "closed";
  if (queue.workers === 0) return "unserved";
  if ((queue.oldest_wait_seconds ?? 0) >= BEHIND_SECONDS) return "behind";
  return queue.running + queue.queued > 0 ? "working" : "idle";
}

/** A queue's limits, one sentence each; none where it has none. */
export function limitsOf({ total, per_tenant, per_key, rate }: Queue["limits"]): string[] {
  const most = (limit: number | null | undefined, whose: string, none = "nothing may begin"): string[] =>
    typeof limit === "number" ? [limit === 0 ? none : `${formatNumber(limit)} at work${whose}`] : [];
  const pace = rate ? [`${formatCount(rate.starts, "start")} in ${formatDuration(rate.per_seconds * 1_000)}`] : [];
  return [...most(total, ""), ...most(per_tenant, " for each tenant"), ...most(per_key, " for each key", "nothing with a key may begin"), ...pace];
}

/** A cause of failures, as a heading. */
const CAUSES: Record<string, string> = {
  database: "The database refused", network: "The network", memory: "Too little memory", quota: "A limit was reached", permission: "A missing permission",
  schema_drift: "The data has another shape", data_quality: "What is in the data", code: "The job itself", unknown: "Nobody knows yet",
};
export const causeOf = (cause: string): string => CAUSES[cause] ?? cause;

/** How sure something is, in words. */
export const sureOf = (confidence: number): string => (confidence >= 0.8 ? "sure" : confidence >= 0.55 ? "likely" : confidence > 0 ? "unsure" : "not known");
