// Who works: the processes that take runs, for operators.
import { useQuery } from "@tanstack/react-query";
import { workersQuery } from "../api/queries";
import { Id, Moment, Status } from "../ui/Bits";
import { Query } from "../ui/Query";
import { Empty } from "../ui/States";

export function WorkersTable() {
  const query = useQuery(workersQuery);
  return (
    <section aria-labelledby="workers" className="section">
      <h2 id="workers">Workers</h2>
      <Query query={query} what="the workers" rows={2}>
        {(workers) => workers.length === 0
          ? <Empty icon="people" title="No worker"><p>Nothing begins until one starts: <code>pilothouse serve</code> is one.</p></Empty>
          : (
            <table className="table list-table">
              <caption className="sr-only">Workers</caption>
              <thead><tr><th scope="col">Worker</th><th scope="col">Status</th><th scope="col">Queues</th><th scope="col" className="num">At work</th><th scope="col" className="num">Seen</th><th scope="col" className="num">Started</th></tr></thead>
              <tbody>
                {workers.map((worker) => (
                  <tr key={worker.id}>
                    <td className="cell-main"><Id id={worker.id} what="worker id" /></td>
                    <td>{worker.alive ? <Status tone="good">Alive</Status> : <Status tone="bad">Gone</Status>}</td>
                    <td className="quiet">{worker.queues.length > 0 ? worker.queues.join(", ") : "all queues"}</td>
                    <td className="num" data-unit="at work">{worker.running} of {worker.concurrency}</td>
                    <td className="num quiet" data-unit="seen"><Moment at={worker.beat_at} /></td>
                    <td className="num quiet" data-unit="started"><Moment at={worker.started_at} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
      </Query>
    </section>
  );
}
