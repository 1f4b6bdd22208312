// What people's corrections say about how their questions are to be read. Each waits for somebody who looks after what the
// data means; accepting one is a new version of the model, which can be put back.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, expect } from "../api/client";
import { asProblem } from "../api/problem";
import { proposalsQuery } from "../api/queries";
import type { Connection, Proposal } from "../api/types";
import { atLeast, useSession } from "../shell/session-context";
import { formatCount } from "../lib/format";
import { Moment, Tag } from "../ui/Bits";
import { Button } from "../ui/Button";

const LEARNT_FROM: Record<string, string> = {
  choice: "picked of several readings",
  change: "another number was meant",
  other_words: "asked again in other words",
};

function useProposals(connection: Connection) {
  const session = useSession();
  return useQuery({ ...proposalsQuery(connection.id), enabled: atLeast(session, "operator") && !connection.read_only_sample });
}

/** How many wait, beside the name of the tab that they are on. */
export function ProposalCount({ connection }: { connection: Connection }) {
  const count = useProposals(connection).data?.length ?? 0;
  return count === 0 ? null : <> <Tag title={`${formatCount(count, "proposal")} to decide`}>{String(count)}</Tag></>;
}

export function Proposals({ connection }: { connection: Connection }) {
  const query = useProposals(connection);
  if (!query.data || query.data.length === 0) return null;
  return (
    <section className="proposals" aria-labelledby="proposals">
      <h2 id="proposals" className="section-label">Learnt from corrections</h2>
      <p className="quiet">How people meant what they asked. What you accept is answered like that from now on, and says that you vouch for it.</p>
      <ul className="proposal-list">{query.data.map((proposal) => <Item key={proposal.key} connection={connection} proposal={proposal} />)}</ul>
    </section>
  );
}

function Item({ connection, proposal }: { connection: Connection; proposal: Proposal }) {
  const client = useQueryClient();
  const params = { path: { id: connection.id, key: proposal.key } };
  const decide = useMutation({
    mutationFn: (accept: boolean): Promise<unknown> => accept
      ? expect(api.POST("/api/v1/connections/{id}/proposals/{key}/accept", { params }))
      : expect(api.POST("/api/v1/connections/{id}/proposals/{key}/reject", { params })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["connections"] }),
  });
  const times = proposal.times === 1 ? "once" : `${proposal.times} times`;
  return (
    <li className="proposal">
      <div className="proposal-text">
        <p className="proposal-question">“{proposal.question}”</p>
        <p>{proposal.reading}</p>
        <p className="quiet">{LEARNT_FROM[proposal.learnt_from] ?? proposal.learnt_from}, {times}, last by {proposal.last_by} <Moment at={proposal.updated_at} /> · <Link className="link" to="/ask/$runId" params={{ runId: proposal.last_run }}>See the answer</Link></p>
        {decide.isError ? <p role="alert">{asProblem(decide.error).message}</p> : null}
      </div>
      <div className="row">
        <Button icon="check" busy={decide.isPending && decide.variables} disabled={decide.isPending} onClick={() => decide.mutate(true)}>Accept</Button>
        <Button look="quiet" disabled={decide.isPending} onClick={() => decide.mutate(false)}>Leave it</Button>
      </div>
    </li>
  );
}
