// The tenant's tokens: who holds them, when they were last used, and ending one at once.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, expect } from "../api/client";
import { tokensQuery } from "../api/queries";
import type { Token } from "../api/types";
import { Id, Moment, Nothing, Status } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Confirm, Dialog } from "../ui/Dialog";
import { Query } from "../ui/Query";
import { Empty, Failure } from "../ui/States";
import { NewTokenForm } from "./NewTokenForm";

export function TokensPanel() {
  const query = useQuery(tokensQuery);
  const [adding, setAdding] = useState(false);
  return (
    <section aria-labelledby="tokens">
      <div className="section-head">
        <h2 id="tokens">Tokens</h2>
        <Button look="primary" icon="plus" onClick={() => setAdding(true)}>New token</Button>
      </div>
      <Query query={query} what="the tokens" rows={4}>
        {(tokens) => tokens.length === 0
          ? <Empty icon="key" title="No tokens yet"><p>A token lets a person sign in, or a service call the API, with one role in this tenant.</p></Empty>
          : <TokenTable tokens={tokens} />}
      </Query>
      <Dialog open={adding} onClose={() => setAdding(false)} title="New token"><NewTokenForm onClose={() => setAdding(false)} /></Dialog>
    </section>
  );
}

function TokenTable({ tokens }: { tokens: Token[] }) {
  return (
    <table className="table list-table">
      <caption className="sr-only">Tokens of this tenant</caption>
      <thead><tr><th scope="col">Subject</th><th scope="col">Role</th><th scope="col">State</th><th scope="col" className="num">Last used</th><th scope="col" className="num">Expires</th><th scope="col"><span className="sr-only">Actions</span></th></tr></thead>
      <tbody>
        {tokens.map((token) => (
          <tr key={token.id}>
            <td className="cell-main"><span className="row-title">{token.subject}</span> <Id id={token.id} what="token id" /></td>
            <td>{token.role}</td>
            <td><State token={token} /></td>
            <td className="num quiet" data-unit="last used">{token.last_used_at ? <Moment at={token.last_used_at} /> : <Nothing word="never" means="never" />}</td>
            <td className="num quiet" data-unit="expires">{token.expires_at ? <Moment at={token.expires_at} /> : "never"}</td>
            <td className="cell-action">{token.revoked_at ? null : <Revoke token={token} />}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function State({ token }: { token: Token }) {
  if (token.revoked_at) return <Status tone="unknown" icon="blocked">Revoked</Status>;
  if (token.expires_at && Date.parse(token.expires_at) < Date.now()) return <Status tone="unknown" icon="clock">Expired</Status>;
  return <Status tone="good">Active</Status>;
}

function Revoke({ token }: { token: Token }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const revoke = useMutation({
    mutationFn: () => expect(api.DELETE("/api/v1/tokens/{id}", { params: { path: { id: token.id } } })),
    onSuccess: async () => { setAsking(false); await client.invalidateQueries({ queryKey: ["tokens"] }); },
  });
  return (
    <>
      <Button look="quiet" aria-label={`Revoke the token of ${token.subject}`} onClick={() => setAsking(true)}>Revoke</Button>
      <Confirm open={asking} onClose={() => setAsking(false)} title={`Revoke the token of ${token.subject}?`} verb="Revoke" busy={revoke.isPending} onConfirm={() => revoke.mutate()}>
        <p>Whoever uses it is shut out at once. It cannot be brought back; make a new token instead.</p>
        {revoke.isError ? <Failure error={revoke.error} what="The token was not revoked" lost="It still works." /> : null}
      </Confirm>
    </>
  );
}
