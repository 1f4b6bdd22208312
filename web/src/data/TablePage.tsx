// One table: its columns, types, keys, and the values of those that have only a few.
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { catalogQuery, connectionsQuery } from "../api/queries";
import type { CatalogColumn, CatalogTable } from "../api/types";
import { formatBytes, formatCount, formatNumber } from "../lib/format";
import { useTitle } from "../lib/hooks";
import { Moment, Nothing } from "../ui/Bits";
import { Icon } from "../ui/Icon";
import { Query } from "../ui/Query";
import { NoSuchPage } from "../shell/ErrorPage";

const VALUES_SHOWN = 8;

export function TablePage() {
  const { connection, table: name } = useParams({ from: "/data/$connection/$table" });
  const query = useQuery(catalogQuery(connection));
  const connections = useQuery(connectionsQuery);
  const table = query.data?.find((one) => one.name === name);
  useTitle(name);
  if (query.data && !table) return <NoSuchPage />;
  return (
    <div className="page">
      <nav aria-label="Where you are" className="crumb">
        <Link to="/data">Data</Link><Icon name="right" size={12} />
        <Link to="/data/$connection" params={{ connection }}>{connections.data?.find((one) => one.id === connection)?.name ?? connection}</Link>
      </nav>
      <Query query={query} heading={name} what={`the columns of ${name}`} rows={8}>{() => table ? <TableView connection={connection} table={table} /> : null}</Query>
    </div>
  );
}

function TableView({ connection, table }: { connection: string; table: CatalogTable }) {
  return (
    <>
      <div className="page-head"><h1 tabIndex={-1}>{table.name}</h1></div>
      <dl className="props">
        <div><dt>Rows</dt><dd>{typeof table.row_count !== "number" ? <Nothing means="not counted" /> : formatNumber(table.row_count)}</dd></div>
        <div><dt>Size</dt><dd>{typeof table.bytes !== "number" ? <Nothing means="unknown" /> : formatBytes(table.bytes)}</dd></div>
        <div><dt>Updated</dt><dd><Moment at={table.updated_at} /></dd></div>
        <div><dt>Columns</dt><dd>{table.columns.length}</dd></div>
      </dl>
      <table className="table list-table column-table">
        <caption className="sr-only">Columns of {table.name}</caption>
        <thead><tr><th scope="col">Column</th><th scope="col">Type</th><th scope="col">Key</th><th scope="col" className="num">Distinct</th><th scope="col">Values</th></tr></thead>
        <tbody>{table.columns.map((column) => <ColumnRow key={column.name} connection={connection} column={column} />)}</tbody>
      </table>
    </>
  );
}

function ColumnRow({ connection, column }: { connection: string; column: CatalogColumn }) {
  return (
    <tr>
      <td className="cell-main mono">{column.name}</td>
      <td className="quiet nowrap">{column.type}{column.nullable ? "" : ", never null"}</td>
      <td className="nowrap"><Key connection={connection} column={column} /></td>
      <td className="num" data-unit="distinct">{typeof column.distinct !== "number" ? <Nothing means="not counted" /> : formatNumber(column.distinct)}</td>
      <td className="cell-values"><Values values={column.values} /></td>
    </tr>
  );
}

function Key({ connection, column }: { connection: string; column: CatalogColumn }) {
  if (column.key === "primary") return <span className="key"><Icon name="key" size={14} /> primary</span>;
  if (column.key !== "foreign") return <Nothing means="no key" />;
  const [table] = (column.references ?? "").split(".");
  return (
    <span className="key"><Icon name="link" size={14} /> to {table
      ? <Link className="link mono" to="/data/$connection/$table" params={{ connection, table }}>{column.references}</Link>
      : "another table"}</span>
  );
}

function Values({ values }: { values: string[] | null | undefined }) {
  if (!values || values.length === 0) return <Nothing means="too many to list" />;
  const rest = values.length - VALUES_SHOWN;
  return (
    <span className="values" title={values.join(", ")}>
      {values.slice(0, VALUES_SHOWN).map((value) => <span className="value" key={value}>{value === "" ? "(empty)" : value}</span>)}
      {rest > 0 ? <span className="quiet">and {formatCount(rest, "more", "more")}</span> : null}
    </span>
  );
}
