// One connection: its tables, what they mean to the planner, and refreshing or removing it.
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { catalogQuery, connectionsQuery, personalQuery } from "../api/queries";
import type { CatalogTable, Connection } from "../api/types";
import { formatBytes, formatCount, formatNumber } from "../lib/format";
import { useTitle } from "../lib/hooks";
import { Id, Moment, Nothing, Tag } from "../ui/Bits";
import { Query } from "../ui/Query";
import { Empty, Note } from "../ui/States";
import { NoSuchPage } from "../shell/ErrorPage";
import { useSession } from "../shell/session-context";
import { ConnectionActions } from "./ConnectionActions";
import { DocumentPanel } from "./DocumentPanel";
import { PersonalPanel } from "./PersonalPanel";
import { ProposalCount } from "./Proposals";
import { ConnectionStatus, kindWords } from "./status";

const EXACT = { exact: true, includeSearch: true };

export function ConnectionPage() {
  const { connection: id } = useParams({ from: "/data/$connection" });
  const query = useQuery(connectionsQuery);
  const connection = query.data?.find((one) => one.id === id);
  useTitle(connection?.name ?? "Data");
  if (query.data && !connection) return <NoSuchPage />;
  return (
    <div className="page">
      <nav aria-label="Where you are" className="crumb"><Link to="/data">Data</Link></nav>
      <Query query={query} what="this connection" heading="Connection" rows={4}>{() => connection ? <ConnectionView connection={connection} /> : null}</Query>
    </div>
  );
}

function ConnectionView({ connection }: { connection: Connection }) {
  const { tab } = useSearch({ from: "/data/$connection" });
  const here = { to: "/data/$connection" as const, params: { connection: connection.id } };
  return (
    <>
      <div className="page-head">
        <h1 tabIndex={-1}>{connection.name} {connection.read_only_sample ? <Tag title="Comes with Pilothouse; it cannot be changed or removed">read-only</Tag> : null}</h1>
        <div className="page-actions"><ConnectionActions connection={connection} /></div>
      </div>
      <dl className="props">
        <div><dt>Status</dt><dd><ConnectionStatus connection={connection} /></dd></div>
        <div><dt>{kindWords(connection.kind)}</dt><dd className="break">{connection.location}</dd></div>
        <div><dt>Checked</dt><dd><Moment at={connection.checked_at} /></dd></div>
        <div><dt>Id</dt><dd><Id id={connection.id} what="connection id" /></dd></div>
      </dl>
      {connection.error ? <Note><p className="notice-title">The last check failed</p><p>{connection.error.message} What is shown below is from the last check that worked.</p><p><code>{connection.error.code}</code></p></Note> : null}
      <nav className="tabs" aria-label="Parts of this connection">
        <Link {...here} search={{}} className="tab" activeOptions={EXACT}>Tables</Link>
        <Link {...here} search={{ tab: "meaning" }} className="tab" activeOptions={EXACT}>Meaning<ProposalCount connection={connection} /></Link>
        <Link {...here} search={{ tab: "personal" }} className="tab" activeOptions={EXACT}>Personal data<Unreviewed connection={connection} /></Link>
        <Link {...here} search={{ tab: "access" }} className="tab" activeOptions={EXACT}>Access</Link>
      </nav>
      {tab === "meaning" ? <DocumentPanel key="meaning" connection={connection} kind="semantic" />
        : tab === "access" ? <DocumentPanel key="access" connection={connection} kind="policy" />
        : tab === "personal" ? <PersonalPanel connection={connection} /> : <Tables connection={connection} />}
    </>
  );
}

/** How many columns nobody has looked at; nothing where that is unknown or none. */
function Unreviewed({ connection }: { connection: Connection }) {
  const { tenant } = useSession();
  const { data } = useQuery(personalQuery(tenant));
  const count = data?.filter((column) => column.connection_id === connection.id && !column.reviewed_by).length ?? 0;
  return count === 0 || connection.read_only_sample ? null : <> <Tag title={`${formatCount(count, "column")} to review`}>{String(count)}</Tag></>;
}

function Tables({ connection }: { connection: Connection }) {
  const query = useQuery(catalogQuery(connection.id));
  return (
    <Query query={query} what={`the catalog of ${connection.name}`} rows={5}>
      {(tables) => tables.length === 0
        ? <Empty icon="table" title="No tables found"><p>{connection.status === "profiling" ? "The tables are being read; they appear here as soon as they are known." : "Put Parquet, CSV or JSON files there, or grant the role the right to read, then refresh."}</p></Empty>
        : <TableList connection={connection} tables={tables} />}
    </Query>
  );
}

function TableList({ connection, tables }: { connection: Connection; tables: CatalogTable[] }) {
  return (
    <table className="table list-table">
      <caption className="sr-only">Tables of {connection.name}</caption>
      <thead><tr><th scope="col">Table</th><th scope="col" className="num">Columns</th><th scope="col" className="num">Rows</th><th scope="col" className="num">Size</th><th scope="col" className="num">Updated</th></tr></thead>
      <tbody>
        {tables.map((table) => (
          <tr key={table.name} className="row-link">
            <td className="cell-main"><Link className="row-title mono" to="/data/$connection/$table" params={{ connection: connection.id, table: table.name }}>{table.name}</Link></td>
            <td className="num quiet" data-unit={table.columns.length === 1 ? "column" : "columns"}>{table.columns.length}</td>
            <td className="num" data-unit="rows" title={typeof table.row_count !== "number" ? undefined : formatCount(table.row_count, "row")}>{typeof table.row_count !== "number" ? <Nothing means="not counted" /> : formatNumber(table.row_count)}</td>
            <td className="num">{typeof table.bytes !== "number" ? <Nothing means="unknown" /> : formatBytes(table.bytes)}</td>
            <td className="num quiet"><Moment at={table.updated_at} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
