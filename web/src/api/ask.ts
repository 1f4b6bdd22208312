// Follows one question from the moment it is sent until its answer, across broken connections: the run is durable on
// the server, so the page picks up its events again after the last one it saw.
import { readAnswer } from "./answer";
import { openStream } from "./client";
import { Problem, asProblem, problemFrom, unreachable } from "./problem";
import { readEvents } from "./sse";
import type { Answer, AskBody, ProblemBody, StepEvent } from "./types";

export type AskListener = {
  onRun: (runId: string, question: string | null) => void;
  onStep: (step: StepEvent) => void;
  /** The question waits for people; what it waits for, and it goes on by itself. */
  onWaiting: (answer: Answer) => void;
  onReconnect: (attempt: number) => void;
};

/** How often, and how long apart in milliseconds, a broken stream is picked up again before the page gives up. */
const RETRY_DELAYS_MS = [500, 1_000, 2_000, 4_000, 8_000];

type Progress = { runId: string | null; lastEventId: string | null; heard: boolean };

export async function ask(body: AskBody, listener: AskListener, signal: AbortSignal): Promise<Answer> {
  const progress: Progress = { runId: null, lastEventId: null, heard: false };
  const first = () => openStream("/api/v1/agent/run", { method: "POST", body, signal });
  return follow(first, progress, listener, signal);
}

/** Joins a run that is already under way, from its first event. */
export async function watch(runId: string, listener: AskListener, signal: AbortSignal): Promise<Answer> {
  const progress: Progress = { runId, lastEventId: null, heard: false };
  return follow(() => reopen(progress, signal), progress, listener, signal);
}

function reopen(progress: Progress, signal: AbortSignal): Promise<Response> {
  const init = progress.lastEventId ? { lastEventId: progress.lastEventId } : {};
  return openStream(`/api/v1/runs/${encodeURIComponent(progress.runId ?? "")}/events`, { method: "GET", signal, ...init });
}

async function follow(open: () => Promise<Response>, progress: Progress, listener: AskListener, signal: AbortSignal): Promise<Answer> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const answer = await consume(await (attempt === 0 ? open() : reopen(progress, signal)), progress, listener);
      if (answer) return answer;
    } catch (error) {
      if (signal.aborted) throw error;
      const problem = asProblem(error);
      if (!problem.unreachable || !progress.runId) throw problem;
    }
    // A question may wait for days: only failures in a row count.
    if (progress.heard) attempt = 0;
    progress.heard = false;
    const delay = RETRY_DELAYS_MS[attempt];
    if (delay === undefined || !progress.runId) throw unreachable();
    listener.onReconnect(attempt + 1);
    await pause(delay, signal);
  }
}

/** Reads one response to its end; null when it ended before the answer came. */
async function consume(response: Response, progress: Progress, listener: AskListener): Promise<Answer | null> {
  if (!response.headers.get("content-type")?.includes("text/event-stream")) {
    const answer = readAnswer(await response.json(), progress.runId);
    if (!answer) throw notAnAnswer();
    listener.onRun(answer.run_id, null);
    return answer;
  }
  if (!response.body) return null;
  for await (const event of readEvents(response.body)) {
    if (event.id) progress.lastEventId = event.id;
    progress.heard = true;
    const data: unknown = JSON.parse(event.data);
    if (event.event === "run") {
      const begun = data as { run_id: string; question?: string };
      progress.runId = begun.run_id;
      listener.onRun(begun.run_id, begun.question ?? null);
    } else if (event.event === "step") {
      listener.onStep(data as StepEvent);
    } else if (event.event === "waiting") {
      const waiting = readAnswer(data, progress.runId);
      if (waiting) listener.onWaiting(waiting);
    } else if (event.event === "answer") {
      const answer = readAnswer(data, progress.runId);
      if (!answer) throw notAnAnswer();
      return answer;
    } else if (event.event === "error") {
      const problem = problemFrom((data as ProblemBody).status ?? 500, data, response.headers.get("x-request-id"));
      throw new Problem({ status: problem.status || 500, code: problem.code, title: problem.title, detail: problem.message, requestId: problem.requestId });
    }
  }
  return null;
}

function notAnAnswer(): Problem {
  return new Problem({ status: 502, code: "page.not_an_answer", title: "Not an answer", detail: "The server sent something that is not an answer." });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason as Error); }, { once: true });
  });
}
