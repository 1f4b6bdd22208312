// The inbox: what waits for people, and what became of what did. Which is shown stands in the address.
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useRef } from "react";
import { approvalsQuery } from "../api/queries";
import type { Approval } from "../api/types";
import { formatCount } from "../lib/format";
import { useTitle } from "../lib/hooks";
import { useListKeys } from "../runs/useListKeys";
import { useSession } from "../shell/session-context";
import { Moment, Tag } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Here } from "../ui/Here";
import { Query } from "../ui/Query";
import { Empty } from "../ui/States";
import { Unreviewed } from "./Broken";
import { Delegations } from "./Delegations";
import { Rules } from "./Rules";
import { ApprovalState } from "./status";
import { isFor, sqlOf, STATES, titleOf } from "./words";

/** The states that have a list of their own, the one that waits first. */
const SHOWN = ["pending", "used", "rejected", "revoked", "void", "approved", "expired"];

export function ApprovalsPage() {
  useTitle("Approvals");
  const navigate = useNavigate();
  const { state = "pending" } = useSearch({ from: "/approvals" });
  const decided = SHOWN.slice(1).includes(state);
  return (
    <div className="page">
      <div className="page-head"><h1 tabIndex={-1}>Approvals</h1></div>
      <nav className="tabs" aria-label="Which approvals">
        <Here to="/approvals" className="tab" here={state === "pending"}>To decide</Here>
        <Here to="/approvals" search={{ state: "used" }} className="tab" here={decided}>Decided</Here>
        <Here to="/approvals" search={{ state: "delegations" }} className="tab" here={state === "delegations"}>Standing in</Here>
        <Here to="/approvals" search={{ state: "rules" }} className="tab" here={state === "rules"}>Rules</Here>
      </nav>
      {state === "pending" ? <Unreviewed /> : null}
      {decided ? (
        <div className="filters">
          <span className="filter">
            <label className="inline-label" htmlFor="state">What became of it</label>
            <select id="state" className="input input-short" value={state} onChange={(event) => void navigate({ to: "/approvals", search: { state: event.target.value } })}>
              {SHOWN.slice(1).map((name) => <option key={name} value={name}>{STATES[name]}</option>)}
            </select>
          </span>
        </div>
      ) : null}
      {state === "delegations" ? <Delegations /> : state === "rules" ? <Rules /> : <List key={state} state={state} />}
    </div>
  );
}

function List({ state }: { state: string }) {
  const query = useInfiniteQuery(approvalsQuery(state));
  const list = useRef<HTMLDivElement>(null);
  useListKeys(list);
  return (
    <Query query={query} what="the approvals" rows={5}>
      {({ pages }) => {
        const approvals = pages.flatMap((page) => page.items);
        if (approvals.length === 0) return <None state={state} />;
        return (
          <>
            <div ref={list}><Table approvals={approvals} state={state} /></div>
            {query.hasNextPage
              ? <div className="more"><Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>Show older</Button></div>
              : <p className="list-end hint">{formatCount(approvals.length, "approval")}</p>}
          </>
        );
      }}
    </Query>
  );
}

function Table({ approvals, state }: { approvals: Approval[]; state: string }) {
  const session = useSession();
  return (
    <table className="table list-table">
      <caption className="sr-only">Approvals, newest first</caption>
      <thead><tr><th scope="col">What</th><th scope="col">Why it needs people</th><th scope="col">Asked by</th><th scope="col">{state === "pending" ? "Needs" : "Now"}</th><th scope="col" className="num">Asked</th></tr></thead>
      <tbody>
        {approvals.map((approval) => (
          <tr key={approval.id} className="row-link">
            <td className="cell-main">
              <Link to="/approvals/$approvalId" params={{ approvalId: approval.id }} className="row-title">{titleOf(approval)}</Link>
              {sqlOf(approval) ? <code className="row-code">{sqlOf(approval)}</code> : null}
            </td>
            <td className="quiet">{approval.because}</td>
            <td className="quiet nowrap">{approval.requested_by || "nobody yet"}</td>
            <td className="nowrap">{state === "pending" ? isFor(session, approval) ? <Tag title="You may decide it">You</Tag> : <span className="quiet">{approval.needs.role}</span> : <ApprovalState state={approval.state} />}</td>
            <td className="num quiet">{approval.escalated_at && state === "pending" ? <Tag title="It waits for longer than it may">Overdue</Tag> : null} <Moment at={approval.requested_at} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function None({ state }: { state: string }) {
  if (state !== "pending") return <Empty icon="approve" title="None of these"><p>What was decided stands here, with who decided it and why.</p></Empty>;
  return <Empty icon="approve" title="Nothing waits for you"><p>What is dear, risky or guarded by a rule stands here until somebody has agreed to it, with exactly what would be done.</p></Empty>;
}
