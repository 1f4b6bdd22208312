// One approval: exactly what would be done, at what cost, asked by whom, why it needs people, and the two answers to it.
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { api, expect } from "../api/client";
import { approvalQuery, runQuery } from "../api/queries";
import type { ApprovalDetail } from "../api/types";
import { SqlPanel } from "../ask/Sql";
import { formatBytes, formatCount, formatUsd } from "../lib/format";
import { useTitle } from "../lib/hooks";
import { WithWords } from "../runs/changes";
import { JsonFold } from "../runs/Json";
import { useSession } from "../shell/session-context";
import { Id, Moment } from "../ui/Bits";
import { Icon } from "../ui/Icon";
import { Query } from "../ui/Query";
import { Note } from "../ui/States";
import { BreakGlass, Broken } from "./Broken";
import { Changed, Edit } from "./Edit";
import { PromptChange } from "./PromptChange";
import { ApprovalState } from "./status";
import { figureOf, neededOf, objectionTo, sqlOf, titleOf } from "./words";

const MAX_REASON = 500;
const MAX_COMMENT = 2_000;
const NANO_PER_USD = 1_000_000_000;

export function ApprovalPage() {
  const { approvalId } = useParams({ from: "/approvals/$approvalId" });
  const query = useQuery(approvalQuery(approvalId));
  useTitle(query.data ? titleOf(query.data) : "Approval");
  return (
    <div className="page">
      <nav aria-label="Where you are" className="crumb"><Link to="/approvals">Approvals</Link></nav>
      <Query query={query} what="this approval" heading="Approval" rows={6}>{(approval) => <ApprovalView approval={approval} />}</Query>
    </div>
  );
}

function ApprovalView({ approval }: { approval: ApprovalDetail }) {
  const sql = sqlOf(approval);
  return (
    <>
      <div className="page-head">
        <h1 tabIndex={-1}>{titleOf(approval)}</h1>
        <div className="page-actions"><Revoke approval={approval} /></div>
      </div>
      <Properties approval={approval} />
      <Broken approval={approval} />
      <Standing approval={approval} />
      <section className="section approval-what" aria-labelledby="what">
        <h2 id="what">Exactly this would be done</h2>
        <Figures facts={approval.facts} />
        {sql ? <SqlPanel sql={sql} /> : null}
        <AskedFor approval={approval} sql={sql} />
        <PromptChange approval={approval} />
        <div className="json-folds"><JsonFold value={approval.payload} label="All of it, as it is decided about" /></div>
      </section>
      {approval.votes.length > 0 ? <Votes approval={approval} /> : null}
    </>
  );
}

/** What was asked for, where somebody who decided has put something else in its place. */
function AskedFor({ approval, sql }: { approval: ApprovalDetail; sql: string | null }) {
  const asked = approval.asked_payload ? sqlOf({ payload: approval.asked_payload }) : null;
  if (!asked || !sql) return null;
  return (
    <>
      <p className="quiet">{approval.edited_by} has changed what {approval.requested_by} asked for:</p>
      <Changed before={asked} after={sql} />
    </>
  );
}

function Properties({ approval }: { approval: ApprovalDetail }) {
  return (
    <dl className="props">
      <div><dt>Status</dt><dd><ApprovalState state={approval.state} /></dd></div>
      <div><dt>Asked by</dt><dd>{approval.requested_by || "nobody yet"}</dd></div>
      <div><dt>Asked</dt><dd><Moment at={approval.requested_at} />{approval.escalated_at && approval.state === "pending" ? " (overdue)" : ""}</dd></div>
      <div><dt>Needs</dt><dd>{neededOf(approval)}</dd></div>
      {approval.rule ? <div><dt>By the rule</dt><dd>{approval.rule}</dd></div> : null}
      {approval.expires_at ? <div><dt>Expires</dt><dd><Moment at={approval.expires_at} /></dd></div> : null}
      {approval.run_id ? <div><dt>For the run</dt><dd><RunLink runId={approval.run_id} /></dd></div> : null}
      <div><dt>Id</dt><dd><Id id={approval.id} what="approval id" /></dd></div>
    </dl>
  );
}

/** The run that waits, by what was asked. */
function RunLink({ runId }: { runId: string }) {
  const title = useQuery({ ...runQuery(runId), refetchInterval: false }).data?.title;
  return <Link className="link" to="/runs/$runId" params={{ runId }}>{title || "See the run"}</Link>;
}

/** Why it waits, and who can end that; or how it ended. */
function Standing({ approval }: { approval: ApprovalDetail }) {
  if (approval.state !== "pending") {
    if (!approval.changed_by && !approval.changed_because) return null;
    return <Note tone="plain" icon="people"><p>{approval.changed_by ? `${approval.changed_by}: ` : ""}{approval.changed_because ?? "no reason was given."}</p></Note>;
  }
  const objection = objectionTo(approval);
  return (
    <div className="notice notice-warn"><Icon name="clock" /><div className="notice-body">
      <p className="notice-title">{approval.because || "A rule asks for people"}</p>
      <p>Nothing is done before that. What is approved is what stands below, to the byte; if it changes, the approval is void.</p>
      {objection ? <p>{objection}</p> : null}
      {approval.may_decide ? <Decision approval={approval} /> : null}
      {approval.may_break && !approval.may_decide ? <div><BreakGlass approval={approval} /></div> : null}
    </div></div>
  );
}

/** Both decisions are the same size, and each is one key and one confirmation away. */
function Decision({ approval }: { approval: ApprovalDetail }) {
  const sql = approval.kind === "query.run" ? sqlOf(approval) : null;
  const path = { path: { id: approval.id } };
  const seen = { payload_hash: approval.payload_hash };
  return (
    <div className="decide">
      <WithWords
        button="Reject" icon="cross" keys="r" title="Reject it?" verb="Reject" keep="Not now"
        label="Reason" needed limit={MAX_REASON} failed="The rejection was not taken"
        text={`Nothing is done. ${approval.requested_by || "Whoever asked"} is told your reason.`}
        call={(reason) => expect(api.POST("/api/v1/approvals/{id}/reject", { params: path, body: { reason, ...seen } }))}
      />
      <WithWords
        button="Approve" icon="check" keys="a" mild title="Approve it?" verb="Approve" keep="Not now"
        label="Comment (may stay empty)" needed={false} limit={MAX_COMMENT} failed="The approval was not taken"
        text={approval.run_id ? "It goes on as soon as enough people have agreed, once, and exactly as it stands here." : "It may be done once, exactly as it stands here."}
        call={(comment) => expect(api.POST("/api/v1/approvals/{id}/approve", { params: path, body: { ...seen, ...(comment ? { comment } : {}) } }))}
      />
      {sql ? <Edit approval={approval} sql={sql} /> : null}
      {approval.needs.count > 1 ? <BreakGlass approval={approval} /> : null}
    </div>
  );
}

function Revoke({ approval }: { approval: ApprovalDetail }) {
  const session = useSession();
  const open = approval.state === "pending" || approval.state === "approved";
  const own = approval.requested_by === session.subject;
  return (
    <WithWords
      shown={open && (own || approval.state === "approved")} button="Take it back" icon="cross" title="Take this back?" verb="Take it back" keep="Keep it"
      label="Reason" needed limit={MAX_REASON} failed="It was not taken back" text="Nothing is done, and what waits for it ends."
      call={(reason) => expect(api.POST("/api/v1/approvals/{id}/revoke", { params: { path: { id: approval.id } }, body: { reason } }))}
    />
  );
}

const NAMES: [string, string, (value: number) => string][] = [
  ["bytes", "Reads", formatBytes],
  ["rows", "Rows", (rows) => formatCount(rows, "row")],
  ["cost", "Costs", (nano) => formatUsd(String(nano / NANO_PER_USD))],
  ["risk", "Risk", (risk) => `${Math.round(risk * 100)} of 100`],
];

/** What it is expected to take; a figure that such an action does not have is left out. */
function Figures({ facts }: { facts: unknown }) {
  const shown = NAMES.map(([name, label, format]) => ({ label, format, value: figureOf(facts, name) })).filter(({ value }) => value !== null);
  if (shown.length === 0) return null;
  return (
    <dl className="takes">
      {shown.map(({ label, format, value }) => <div key={label}><dt>{label}</dt><dd>{typeof value === "number" ? format(value) : "unknown"}</dd></div>)}
    </dl>
  );
}

function Votes({ approval }: { approval: ApprovalDetail }) {
  return (
    <section className="section" aria-labelledby="votes">
      <h2 id="votes">Who has said what</h2>
      <ul className="votes">
        {approval.votes.map((vote) => (
          <li key={vote.by}>
            <Icon name={vote.decision === "approve" ? "check" : "cross"} size={14} />
            <span><strong>{vote.by}</strong>{vote.in_place_of ? ` for ${vote.in_place_of}` : ""} {vote.decision === "approve" ? "approved" : "rejected"} <Moment at={vote.at} />{vote.reason ? `: ${vote.reason}` : ""}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
