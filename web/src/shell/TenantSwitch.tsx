// Which tenant the page works in. Changing it forgets everything read under the one before.
import { useState } from "react";
import { asProblem } from "../api/problem";
import { switchTenant } from "../api/session";
import { useSession } from "./session-context";

export function TenantSwitch() {
  const session = useSession();
  const [error, setError] = useState<string | null>(null);
  const current = session.tenants.find((tenant) => tenant.id === session.tenant);
  if (session.tenants.length < 2) return <p className="tenant-one" title="Tenant">{current?.name ?? session.tenant}</p>;
  const change = (tenant: string): void => {
    setError(null);
    switchTenant(tenant).catch((failure: unknown) => setError(asProblem(failure).message));
  };
  return (
    <div className="tenant">
      <label className="sr-only" htmlFor="tenant">Tenant</label>
      <select id="tenant" className="input tenant-select" value={session.tenant} onChange={(event) => change(event.target.value)}>
        {session.tenants.map((tenant) => <option key={tenant.id} value={tenant.id}>{tenant.name}</option>)}
      </select>
      {error ? <p className="field-error" role="alert">{error}</p> : null}
    </div>
  );
}
