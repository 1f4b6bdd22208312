// Which data the copilot may read: the tenant's connections, and how to add one.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { connectionsQuery } from "../api/queries";
import type { Connection } from "../api/types";
import { formatCount } from "../lib/format";
import { useTitle } from "../lib/hooks";
import { atLeast, useSession } from "../shell/session-context";
import { Moment, Tag } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { Query } from "../ui/Query";
import { Empty } from "../ui/States";
import { AddConnection } from "./AddConnection";
import { ConnectionStatus, kindWords } from "./status";

export function DataPage() {
  useTitle("Data");
  const session = useSession();
  const navigate = useNavigate();
  const { add } = useSearch({ from: "/data" });
  const query = useQuery(connectionsQuery);
  const mayAdd = atLeast(session, "operator");
  const open = (): void => void navigate({ to: "/data", search: { add: true } });
  const close = (): void => void navigate({ to: "/data", search: {} });
  return (
    <div className="page">
      <div className="page-head">
        <h1 tabIndex={-1}>Data</h1>
        {mayAdd ? <div className="page-actions"><Button look="primary" icon="plus" onClick={open}>Add a connection</Button></div> : null}
      </div>
      <Query query={query} what="the connections" rows={3}>
        {(connections) => connections.length === 0
          ? <Empty icon="data" title="No data connected yet" action={mayAdd ? <Button look="primary" icon="plus" onClick={open}>Add a connection</Button> : undefined}><p>Connect a folder of files, an object store or a PostgreSQL database; its tables appear here and can be asked about.</p></Empty>
          : <ul className="cards">{connections.map((one) => <ConnectionCard key={one.id} connection={one} />)}</ul>}
      </Query>
      {mayAdd ? null : <p className="hint">Operators and admins of this tenant can add connections.</p>}
      <Dialog open={add === true && mayAdd} onClose={close} title="Add a connection">
        <AddConnection onDone={(id) => void navigate({ to: "/data/$connection", params: { connection: id } })} onCancel={close} />
      </Dialog>
    </div>
  );
}

function ConnectionCard({ connection }: { connection: Connection }) {
  return (
    <li className="card card-link">
      <div className="card-main">
        <Icon name={connection.kind === "postgres" ? "data" : "table"} size={20} />
        <div className="card-text">
          <p className="card-title">
            <Link to="/data/$connection" params={{ connection: connection.id }} className="row-title">{connection.name}</Link>
            {connection.read_only_sample ? <Tag title="Comes with Pilothouse; it cannot be changed or removed">read-only</Tag> : null}
          </p>
          <p className="quiet ellipsis">{kindWords(connection.kind)} · {connection.location}</p>
        </div>
      </div>
      <div className="card-side">
        <ConnectionStatus connection={connection} />
        {connection.status === "profiling" ? null : <span className="quiet">{formatCount(connection.table_count, "table")}</span>}
        <span className="quiet">{connection.checked_at ? <>checked <Moment at={connection.checked_at} /></> : "not checked yet"}</span>
      </div>
      {connection.error ? <p className="card-error">{connection.error.message} <code>{connection.error.code}</code></p> : null}
    </li>
  );
}
