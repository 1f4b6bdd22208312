// The only module that talks HTTP. It adds the CSRF token, turns every failure into a Problem, and tells the session
// when it has ended. Which route takes and gives what is generated.
import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "./schema";
import { asProblem, type Problem, problemFrom } from "./problem";

let csrfToken: string | null = null;
let onSignedOut: (() => void) | null = null;

export function rememberCsrf(token: string | null): void {
  csrfToken = token;
}

/** Called when a request other than the session's own is answered 401: the session has ended meanwhile. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

function noteStatus(status: number, url: string): void {
  if (status === 401 && !new URL(url, location.href).pathname.endsWith("/api/v1/session")) onSignedOut?.();
}

const house: Middleware = {
  onRequest({ request }) {
    if (!SAFE_METHODS.has(request.method) && csrfToken) request.headers.set("X-CSRF-Token", csrfToken);
    request.headers.set("Accept", "application/json");
    return request;
  },
  onResponse({ request, response }) {
    noteStatus(response.status, request.url);
  },
  onError({ error }) {
    return asProblem(error);
  },
};

export const api = createClient<paths>({ baseUrl: location.origin, credentials: "same-origin" });
api.use(house);

type Result<T> = { data?: T; error?: unknown; response: Response };

/** Unwraps an answer, or throws the Problem it carries. */
export async function expect<T>(call: Promise<Result<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw problemFrom(response.status, error, response.headers.get("x-request-id"));
  return data as T;
}

/** A request whose answer is read as a stream; failures before the first byte become Problems as everywhere. */
export async function openStream(path: string, init: { method: "GET" | "POST"; body?: unknown; lastEventId?: string; signal: AbortSignal }): Promise<Response> {
  const headers = new Headers({ Accept: "text/event-stream, application/json;q=0.9" });
  if (init.body !== undefined) headers.set("Content-Type", "application/json");
  if (init.method === "POST" && csrfToken) headers.set("X-CSRF-Token", csrfToken);
  if (init.lastEventId) headers.set("Last-Event-ID", init.lastEventId);
  const response = await fetch(path, {
    method: init.method, headers, signal: init.signal, credentials: "same-origin",
    body: init.body === undefined ? null : JSON.stringify(init.body),
  }).catch((error: unknown) => {
    if (init.signal.aborted) throw error;
    throw asProblem(error);
  });
  noteStatus(response.status, path);
  if (!response.ok) throw await failure(response);
  return response;
}

async function failure(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  return problemFrom(response.status, body, response.headers.get("x-request-id"));
}
