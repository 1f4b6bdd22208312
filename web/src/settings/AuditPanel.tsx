// Who did what, newest first, with the request id to look it up elsewhere.
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { auditQuery } from "../api/queries";
import type { AuditRow } from "../api/types";
import { shortId } from "../lib/format";
import { Id, Moment, Nothing, Status, type Tone } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Query } from "../ui/Query";
import { Empty } from "../ui/States";

export function AuditPanel() {
  const query = useInfiniteQuery(auditQuery);
  return (
    <section aria-labelledby="audit">
      <div className="section-head"><h2 id="audit">Audit</h2></div>
      <p className="hint">Every change and every refusal, in a chain that <code>pilothouse audit verify</code> proves to be whole.</p>
      <Query query={query} what="the audit log" rows={8}>
        {(data) => {
          const rows = data.pages.flatMap((page) => page.items);
          if (rows.length === 0) return <Empty icon="lock" title="Nothing recorded yet"><p>The first change or refusal in this tenant will stand here.</p></Empty>;
          return (
            <>
              <table className="table list-table">
                <caption className="sr-only">Audit log, newest first</caption>
                <thead><tr><th scope="col">Action</th><th scope="col">On</th><th scope="col">Outcome</th><th scope="col">By</th><th scope="col">Request</th><th scope="col" className="num">When</th></tr></thead>
                <tbody>{rows.map((row) => <Row key={row.seq} row={row} />)}</tbody>
              </table>
              {query.hasNextPage ? <div className="more"><Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>Show older</Button></div> : null}
            </>
          );
        }}
      </Query>
    </section>
  );
}

function toneOf(outcome: string): Tone {
  if (/^(ok|allow|success|succeeded|accepted|done)/i.test(outcome)) return "good";
  if (/^(den|refus|block|reject|forbid)/i.test(outcome)) return "warn";
  return /^(fail|err)/i.test(outcome) ? "bad" : "unknown";
}

/** An id is cut to what tells it apart, and a run leads to its page; everything else has a name that can be read. */
function Resource({ name }: { name: string }) {
  if (name === "") return <Nothing means="nothing in particular" />;
  const [, kind] = /^([a-z]+)_[0-9a-f]{32}$/.exec(name) ?? [];
  if (kind === "run") return <Link className="link" to="/runs/$runId" params={{ runId: name }}>run {shortId(name)}</Link>;
  return kind ? <>{kind} <Id id={name} what={`${kind} id`} /></> : <>{name}</>;
}

function Row({ row }: { row: AuditRow }) {
  return (
    <tr>
      <td className="cell-main mono">{row.action}</td>
      <td className="quiet break"><Resource name={row.resource} /></td>
      <td><Status tone={toneOf(row.outcome)}>{row.code ? `${row.outcome}, ${row.code}` : row.outcome}</Status></td>
      <td className="quiet">{row.subject}</td>
      <td><Id id={row.request_id} what="request id" /></td>
      <td className="num quiet"><Moment at={row.at} /></td>
    </tr>
  );
}
