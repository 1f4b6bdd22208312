// Where questions are looked up, when the tenant has more than one connection to choose from.
import { useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { connectionsQuery } from "../api/queries";

let chosen: string | null = null;
const listeners = new Set<() => void>();

function choose(id: string | null): void {
  chosen = id;
  listeners.forEach((listener) => listener());
}

/** Stays while the person looks at other pages; a connection that is gone is no longer chosen. */
export function useConnectionChoice(): [string | null, (id: string | null) => void] {
  const id = useSyncExternalStore((listener) => { listeners.add(listener); return () => listeners.delete(listener); }, () => chosen);
  const { data } = useQuery(connectionsQuery);
  const known = !data || data.some((one) => one.id === id && one.status === "ready");
  return [known ? id : null, choose];
}

export function ConnectionChoice({ value, onChange }: { value: string | null; onChange: (id: string | null) => void }) {
  const { data } = useQuery(connectionsQuery);
  const ready = data?.filter((one) => one.status === "ready") ?? [];
  if (ready.length < 2) return null;
  return (
    <div className="scope">
      <label htmlFor="scope">Asking</label>
      <select id="scope" className="input scope-select" value={value ?? ""} onChange={(event) => onChange(event.target.value || null)}>
        <option value="">the default connection</option>
        {ready.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
      </select>
    </div>
  );
}
