// One error for everything that can go wrong on the way to the server and back, with what a person needs to report it.
import { capitalize } from "../lib/format";
import type { ProblemBody } from "./types";

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  readonly line: number | null;
  readonly title: string;
  /** What somebody has to agree to first. */
  readonly approvalId: string | null;
  /** What is wrong with fields of what was sent, by their names; a field within another is `input.question`. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(init: { status: number; code: string; title: string; detail: string; requestId?: string | null; line?: number | null; fields?: Record<string, string>; approvalId?: string | null }) {
    super(init.detail);
    this.name = "Problem";
    this.status = init.status;
    this.code = init.code;
    this.title = init.title;
    this.fields = init.fields ?? {};
    this.requestId = init.requestId ?? null;
    this.line = init.line ?? null;
    this.approvalId = init.approvalId ?? null;
  }

  /** The server was not reached at all, or the connection broke: what was asked for may or may not have happened. */
  get unreachable(): boolean {
    return this.status === 0;
  }
}

/** `detail` is a string, a list or an object, depending on which of the originals' routes answered. */
function detailText(detail: ProblemBody["detail"]): string | null {
  if (typeof detail === "string") return detail;
  if (Array.isArray(detail)) return detail.map((entry) => (typeof entry === "string" ? entry : JSON.stringify(entry))).join(" ");
  if (detail && typeof detail === "object") return JSON.stringify(detail);
  return null;
}

/** The first fault of each field, as a sentence. */
function fieldsOf(errors: ProblemBody["errors"]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { loc, msg } of Array.isArray(errors) ? errors : []) {
    if (!Array.isArray(loc) || typeof msg !== "string") continue;
    const name = loc.slice(1).join(".");
    const words = capitalize(msg.replace(/`([^`]*)`/g, "“$1”"));
    found[name] ??= /[.!?]$/.test(words) ? words : `${words}.`;
  }
  return found;
}

export function problemFrom(status: number, body: unknown, requestId: string | null): Problem {
  const parsed: ProblemBody = body && typeof body === "object" ? (body as ProblemBody) : {};
  const detail = detailText(parsed.detail) ?? parsed.title ?? `The server answered with status ${status}.`;
  const named = /\bline (\d+)/i.exec(detail);
  return new Problem({
    status: parsed.status ?? status,
    code: parsed.code ?? `http.${status}`,
    title: parsed.title ?? "The request was refused",
    detail,
    requestId: parsed.request_id ?? requestId,
    line: parsed.line ?? (named ? Number(named[1]) : null),
    fields: fieldsOf(parsed.errors),
    approvalId: typeof parsed.approval_id === "string" ? parsed.approval_id : null,
  });
}

export function unreachable(): Problem {
  return new Problem({ status: 0, code: "page.unreachable", title: "The server cannot be reached", detail: "Pilothouse did not answer. Check that it is running and that this device is online." });
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof TypeError) return unreachable();
  return new Problem({ status: 0, code: "page.unexpected", title: "The page made a mistake", detail: error instanceof Error ? error.message : String(error) });
}
