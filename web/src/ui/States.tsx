// What stands where content will be, is missing, or could not be read. Every page uses these, so that no state is a
// leftover.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { asProblem } from "../api/problem";
import { useAfter } from "../lib/hooks";
import { Moment } from "./Bits";
import { Button, CopyButton } from "./Button";
import { Icon, type IconName } from "./Icon";

const SAY_WHAT_AFTER_MS = 2_000;

/** The shape of what is coming; after two seconds also what is being done. */
export function Loading({ what, rows = 5, shape = "rows" }: { what: string; rows?: number; shape?: "rows" | "text" }) {
  const slow = useAfter(SAY_WHAT_AFTER_MS);
  return (
    <div className="loading" aria-busy="true">
      <p className="loading-words" role="status">{slow ? `${what} …` : <span className="sr-only">Loading</span>}</p>
      <div aria-hidden="true" className={`skeleton skeleton-${shape}`}>
        {Array.from({ length: rows }, (_, row) => <span key={row} className={`bone bone-${row % 4}`} />)}
      </div>
    </div>
  );
}

export function Empty({ icon, title, children, action }: { icon: IconName; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <Icon name={icon} size={24} />
      <p className="empty-title">{title}</p>
      {children ? <div className="empty-text">{children}</div> : null}
      {action}
    </div>
  );
}

type Failed = {
  error: unknown;
  what: string;
  lost?: string;
  onRetry?: () => void;
  action?: ReactNode;
  /** It was a change that failed, not a look: then "may not see" and "nothing at this address" would be wrong words. */
  change?: boolean;
};

/** What happened, whether anything was lost, what to do, and the code and request id to hand on. */
export function Failure({ error, what, lost = "Nothing was lost.", onRetry, action, change = false }: Failed) {
  const problem = asProblem(error);
  if (problem.approvalId) return <Agreement id={problem.approvalId} why={problem.message} />;
  if (problem.status === 403) return <NotAllowed what={problem.message} {...(change ? { title: what } : {})} />;
  if (problem.status === 404 && !change) return <Empty icon="question" title="Nothing at this address" action={action}><p>{problem.message} It may belong to another tenant, or be gone.</p></Empty>;
  const report = `${what}\n${problem.title}: ${problem.message}\ncode: ${problem.code}\nrequest id: ${problem.requestId ?? "none"}`;
  return (
    <div className="notice notice-bad" role="alert">
      <Icon name="warning" />
      <div className="notice-body">
        <p className="notice-title">{what}</p>
        <p>{problem.message} {lost}</p>
        <div className="notice-foot">
          <code>{problem.code}</code>
          {problem.requestId ? <code title="Request id">{problem.requestId}</code> : null}
          <CopyButton text={report} label="Copy details" />
          {onRetry ? <Button icon="refresh" onClick={onRetry}>Try again</Button> : null}
          {action}
        </div>
      </div>
    </div>
  );
}

/** Somebody has to agree first, and whoever asked asks again once they have. */
function Agreement({ id, why }: { id: string; why: string }) {
  return (
    <div className="notice notice-plain" role="status">
      <Icon name="clock" />
      <div className="notice-body">
        <p className="notice-title">Somebody has to agree first</p>
        <p>{why}</p>
        <div className="notice-foot"><Link className="link" to="/approvals/$approvalId" params={{ approvalId: id }}>See what is asked for</Link></div>
      </div>
    </div>
  );
}

export function NotAllowed({ what, who, title = "You may not see this" }: { what: string; who?: string; title?: string }) {
  return (
    <div className="notice notice-plain" role="note">
      <Icon name="lock" />
      <div className="notice-body">
        <p className="notice-title">{title}</p>
        <p>{what} {who ?? "An admin of this tenant can give you that right."}</p>
      </div>
    </div>
  );
}

/** What is shown was true a while ago; reading it again failed. */
export function Stale({ since, onRetry }: { since: number; onRetry: () => void }) {
  return (
    <div className="stale" role="status">
      <Icon name="clock" size={14} />
      <span>Could not be refreshed. This is what was known <Moment at={new Date(since).toISOString()} />.</span>
      <Button look="quiet" onClick={onRetry}>Refresh</Button>
    </div>
  );
}

export function Note({ tone = "warn", icon = "warning", children }: { tone?: "warn" | "plain" | "good"; icon?: IconName; children: ReactNode }) {
  return <div className={`notice notice-${tone} notice-small`}><Icon name={icon} /><div className="notice-body">{children}</div></div>;
}
