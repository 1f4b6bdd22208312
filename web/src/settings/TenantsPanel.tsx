// The tenants of this installation, and a form for a new one.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, expect } from "../api/client";
import { tenantsQuery } from "../api/queries";
import { sessionQuery } from "../api/session";
import { Moment, Tag } from "../ui/Bits";
import { useSession } from "../shell/session-context";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { Query } from "../ui/Query";
import { Failure } from "../ui/States";

export function TenantsPanel() {
  const session = useSession();
  const query = useQuery(tenantsQuery);
  const [adding, setAdding] = useState(false);
  return (
    <section aria-labelledby="tenants">
      <div className="section-head">
        <h2 id="tenants">Tenants</h2>
        <Button look="primary" icon="plus" onClick={() => setAdding(true)}>New tenant</Button>
      </div>
      <Query query={query} what="the tenants" rows={3}>
        {(tenants) => (
          <table className="table list-table">
            <caption className="sr-only">Tenants</caption>
            <thead><tr><th scope="col">Name</th><th scope="col">Id</th><th scope="col" className="num">Made</th></tr></thead>
            <tbody>
              {tenants.map((tenant) => (
                <tr key={tenant.id}>
                  <td className="cell-main"><span className="row-title">{tenant.name}</span> {tenant.id === session.tenant ? <Tag>you are here</Tag> : null}</td>
                  <td className="mono quiet">{tenant.id}</td>
                  <td className="num quiet" data-unit="made"><Moment at={tenant.created_at} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Query>
      <Dialog open={adding} onClose={() => setAdding(false)} title="New tenant"><NewTenant onClose={() => setAdding(false)} /></Dialog>
    </section>
  );
}

function NewTenant({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [id, setId] = useState<string | null>(null);
  const [missing, setMissing] = useState(false);
  const shownId = id ?? name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  const make = useMutation({
    mutationFn: () => expect(api.POST("/api/v1/tenants", { body: { id: shownId, name: name.trim() } })),
    onSuccess: async () => {
      await Promise.all([client.invalidateQueries({ queryKey: ["tenants"] }), client.invalidateQueries(sessionQuery)]);
      onClose();
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setMissing(!name.trim());
    if (name.trim() && shownId) make.mutate();
  };
  return (
    <form className="dialog-form" onSubmit={submit} noValidate>
      <TextField label="Name" value={name} onChange={(event) => setName(event.target.value)} error={missing ? "Give it a name." : null} placeholder="Acme Europe" />
      <TextField label="Id" className="input input-code" value={shownId} onChange={(event) => setId(event.target.value)} help="Used by programs, in the X-Tenant header. It cannot be changed later." />
      {make.isError ? <Failure error={make.error} what="The tenant was not made" /> : null}
      <div className="dialog-foot"><Button onClick={onClose}>Cancel</Button><Button look="primary" type="submit" busy={make.isPending}>Make the tenant</Button></div>
    </form>
  );
}
