// What is said of approvals in words, and who can decide one. Pure; tested by tests/unit.
import type { Approval, ApprovalDetail, Role, Session } from "../api/types";
import { atLeast } from "../shell/session-context";

/** Every state an approval can be in, as it is shown. */
export const STATES: Record<string, string> = {
  pending: "Waits for a decision", approved: "Approved", rejected: "Rejected", revoked: "Taken back", expired: "Expired", used: "Approved and done", void: "Void",
};

/** What would be done, as a heading. */
const KINDS: Record<string, string> = {
  "query.run": "Run a query", "build.run": "Run a build", "connection.create": "Make a connection", "connection.delete": "Remove a connection",
  "token.create": "Make a token", "token.revoke": "Revoke a token", "policy.put": "Change who may see what", "semantic.put": "Change what the data means", "rules.put": "Change the rules about approvals", "prompt.label": "Change what models are told", "ai.complete": "Ask a model",
};
export const titleOf = (approval: Pick<Approval, "kind">): string => KINDS[approval.kind] ?? approval.kind;

/** The text of the query that would run, where it is one. */
export function sqlOf(approval: Pick<Approval, "payload">): string | null {
  const { payload } = approval;
  return payload && typeof payload === "object" && "sql" in payload && typeof payload.sql === "string" ? payload.sql : null;
}

/** A figure as the rules saw it: a number, unknown, or none where such actions have no such figure. */
export function figureOf(facts: unknown, name: string): number | "unknown" | null {
  if (!facts || typeof facts !== "object") return null;
  const figure: unknown = (facts as Record<string, unknown>)[name];
  if (figure === "unknown") return "unknown";
  const value = figure && typeof figure === "object" ? (figure as Record<string, unknown>)["is"] : null;
  return typeof value === "number" ? value : null;
}

/** "one operator", "two operators or admins": whose word it takes. */
export function neededOf(approval: Pick<Approval, "needs">): string {
  const { count, role } = approval.needs;
  return count <= 1 ? `one ${role}` : `${count} ${role}s`;
}

/** Whether the inbox of this person has it: others asked for it, and their role is enough. */
export const isFor = (session: Pick<Session, "role" | "subject" | "mode">, approval: Pick<Approval, "requested_by" | "needs">): boolean =>
  atLeast(session, approval.needs.role as Role) && (approval.requested_by !== session.subject || session.mode === "development");

/** What becomes of an action, in words. */
export function effectOf(effect: unknown): string {
  if (effect === "allow") return "done at once";
  if (effect === "deny") return "not done";
  const needs = effect && typeof effect === "object" && "approvals" in effect ? (effect.approvals as { count: number; of: string }) : null;
  return needs ? `waits for ${neededOf({ needs: { count: needs.count, role: needs.of } })}` : "decided in an unknown way";
}

const OBJECTIONS: Record<string, (approval: ApprovalDetail) => string> = {
  own_request: (approval) => `You asked for it yourself, so somebody else decides: ${neededOf(approval)}.`,
  role: (approval) => `It takes ${neededOf(approval)} to decide.`,
  again: () => "You have said your word; others have to agree too.",
};

/** Why this person may not decide; null where they may, or where nothing is left to decide. */
export const objectionTo = (approval: ApprovalDetail): string | null => (approval.objection ? OBJECTIONS[approval.objection]?.(approval) ?? null : null);

export type PromptVersion = { hash: string; version: string; text: string };
export type VersionFigures = { calls: number; failed: number; nano_usd_per_call: number; tokens_per_call: number };
export type PromptChangeWords = {
  name: string; percent: number; because: string; from: PromptVersion | null; to: PromptVersion | null;
  evaluation: { days: number; from: VersionFigures | null; to: VersionFigures | null } | null;
};

/** What would change of what models are told, where that is what is decided about. */
export function promptChangeOf(approval: Pick<ApprovalDetail, "kind" | "payload" | "facts">): PromptChangeWords | null {
  if (approval.kind !== "prompt.label") return null;
  const payload = approval.payload as Omit<PromptChangeWords, "evaluation">;
  const facts = approval.facts as Pick<PromptChangeWords, "evaluation"> | null;
  return { ...payload, evaluation: facts?.evaluation ?? null };
}
