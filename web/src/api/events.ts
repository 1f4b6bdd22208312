// Follows what happens in a run, whatever its kind, across broken connections, until its last event.
import { openStream } from "./client";
import { asProblem } from "./problem";
import { readEvents } from "./sse";

/** How long after a broken connection the next is tried, in milliseconds; the last is kept to. */
const RETRY_DELAYS_MS = [500, 1_000, 2_000, 4_000, 8_000];
/** The events that nothing follows: a question ends with its answer or an error, any other run by being done. */
const LAST: ReadonlySet<string> = new Set(["answer", "error", "done"]);

export type RunEvent = { name: string; data: Record<string, unknown> };
export type RunListener = { onEvent: (event: RunEvent) => void; onConnected: (connected: boolean) => void };

/** Returns when the run has ended, when it cannot be followed at all, or when `signal` says so. */
export async function followRun(id: string, listener: RunListener, signal: AbortSignal): Promise<void> {
  let lastEventId: string | null = null;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const response = await openStream(`/api/v1/runs/${encodeURIComponent(id)}/events`, { method: "GET", signal, ...(lastEventId ? { lastEventId } : {}) });
      listener.onConnected(true);
      if (!response.body) return;
      for await (const event of readEvents(response.body)) {
        failures = 0;
        lastEventId = event.id ?? lastEventId;
        listener.onEvent({ name: event.event, data: objectOf(event.data) });
        if (LAST.has(event.event)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      const problem = asProblem(error);
      // A refusal stays one; what could not be reached may come back.
      if (!problem.unreachable && problem.status < 500) return;
    } finally {
      if (!signal.aborted) listener.onConnected(false);
    }
    await pause(RETRY_DELAYS_MS[Math.min(failures, RETRY_DELAYS_MS.length - 1)] ?? 0, signal);
    failures += 1;
  }
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const data: unknown = JSON.parse(text);
    return data && typeof data === "object" ? (data as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Waits; returns at once when `signal` says so. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
