// Columns that may hold personal data: what they look like, why, and whether somebody has decided. A suspect is masked until
// a person says that it holds none.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, expect } from "../api/client";
import { personalQuery } from "../api/queries";
import type { Connection, PersonalColumn } from "../api/types";
import { atLeast, useSession } from "../shell/session-context";
import { Moment, Tag } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Query } from "../ui/Query";
import { Empty, Failure, Note } from "../ui/States";

const KINDS: Record<string, string> = {
  email: "E-mail addresses", phone: "Telephone numbers", card: "Card numbers", bank_account: "Bank accounts", national_id: "National identity numbers",
  ip_address: "IP addresses", person_name: "Names of people", address: "Postal addresses", birth_date: "Dates of birth",
};

export function PersonalPanel({ connection }: { connection: Connection }) {
  const { tenant } = useSession();
  const query = useQuery(personalQuery(tenant));
  return (
    <Query query={query} what={`which columns of ${connection.name} hold personal data`} rows={4}>
      {(columns) => <Columns connection={connection} columns={columns.filter((column) => column.connection_id === connection.id)} />}
    </Query>
  );
}

function Columns({ connection, columns }: { connection: Connection; columns: PersonalColumn[] }) {
  const session = useSession();
  const client = useQueryClient();
  const decide = useMutation({
    mutationFn: (decided: { column: PersonalColumn; is_pii: boolean }) => {
      const { dataset, table, column } = decided.column;
      const body = [{ dataset, table, column, is_pii: decided.is_pii, connection_id: connection.id }];
      return expect(api.POST("/api/v1/pii/review/confirm", { params: { query: { org_id: session.tenant } }, body }));
    },
    onSettled: () => Promise.all([client.invalidateQueries({ queryKey: ["personal"] }), client.invalidateQueries({ queryKey: ["connections"] })]),
  });
  if (columns.length === 0) {
    return <Empty icon="check" title="No personal data found"><p>Names, types and a sample of the values of every column were looked at.</p></Empty>;
  }
  const mayDecide = atLeast(session, "operator") && !connection.read_only_sample;
  return (
    <section aria-labelledby="personal" className="personal">
      <h2 id="personal" className="sr-only">Personal data</h2>
      <p className="quiet">A masked column is read as empty by everybody, in every query and answer, until somebody says that it holds no personal data.</p>
      {mayDecide ? null : <Note tone="plain" icon="lock"><p>{connection.read_only_sample ? "The sample holds no real people; what is said of it cannot be changed." : "You can read this. Operators and admins of this tenant decide."}</p></Note>}
      {decide.isError ? <Failure error={decide.error} what="This was not decided" /> : null}
      <table className="table list-table">
        <caption className="sr-only">Columns of {connection.name} that may hold personal data</caption>
        <thead><tr><th scope="col">Column</th><th scope="col">Looks like</th><th scope="col" className="num">Sure</th><th scope="col">Now</th>{mayDecide ? <th scope="col"><span className="sr-only">Decide</span></th> : null}</tr></thead>
        <tbody>
          {columns.map((column) => (
            <tr key={`${column.table}.${column.column}`}>
              <td className="cell-main"><Link className="row-title mono" to="/data/$connection/$table" params={{ connection: connection.id, table: column.table }}>{column.table}.{column.column}</Link></td>
              <td><div>{column.kind ? KINDS[column.kind] ?? column.kind : "Personal data"}</div><div className="quiet">{column.evidence.join(" ") || "Somebody said so."}</div></td>
              <td className="num nowrap">{column.kind ? `${column.confidence} %` : "–"}</td>
              <td className="nowrap"><Standing column={column} /></td>
              {mayDecide ? <td className="nowrap"><Decide column={column} busy={decide.isPending} onDecide={(is_pii) => decide.mutate({ column, is_pii })} /></td> : null}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Standing({ column }: { column: PersonalColumn }) {
  const word = column.is_pii ? <Tag>masked</Tag> : <span>shown</span>;
  if (!column.reviewed_by) return <>{word} <span className="quiet">not reviewed</span></>;
  return <>{word} <span className="quiet">by {column.reviewed_by}, <Moment at={column.reviewed_at} /></span></>;
}

type DecideProps = { column: PersonalColumn; busy: boolean; onDecide: (isPersonal: boolean) => void };

function Decide({ column, busy, onDecide }: DecideProps) {
  const which = <span className="sr-only"> {column.table}.{column.column}</span>;
  const kept = column.is_pii && column.reviewed_by !== null;
  return (
    <span className="row-actions">
      {kept ? null : <Button disabled={busy} onClick={() => onDecide(true)}>{column.is_pii ? "Keep masked" : "Mask"}{which}</Button>}
      {column.is_pii ? <Button disabled={busy} onClick={() => onDecide(false)}>Not personal{which}</Button> : null}
    </span>
  );
}
