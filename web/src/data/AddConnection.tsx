// The form for a new connection: a folder of files, or a PostgreSQL database.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, expect } from "../api/client";
import { asProblem } from "../api/problem";
import type { NewConnection } from "../api/types";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { Failure } from "../ui/States";

type Kind = NewConnection["kind"];
type Errors = { name?: string; location?: string };

export function AddConnection({ onDone, onCancel }: { onDone: (id: string) => void; onCancel: () => void }) {
  const client = useQueryClient();
  const [kind, setKind] = useState<Kind>("files");
  const [name, setName] = useState("");
  const [location, setLocation] = useState("");
  const [errors, setErrors] = useState<Errors>({});
  const add = useMutation({
    mutationFn: (body: NewConnection) => expect(api.POST("/api/v1/connections", { body })),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ["connections"] });
      onDone(made.id);
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const found: Errors = {};
    if (!name.trim()) found.name = "Give it a name, so that people can tell it from the others.";
    if (!location.trim()) found.location = kind === "files" ? "Say which folder." : "Say which database.";
    else if (kind === "postgres" && !/^postgres(ql)?:\/\//.test(location.trim())) found.location = "A PostgreSQL address begins with postgres://";
    setErrors(found);
    if (found.name || found.location) return;
    add.mutate(kind === "files" ? { name: name.trim(), kind, path: location.trim() } : { name: name.trim(), kind, url: location.trim() });
  };
  const choose = (next: Kind): void => { setKind(next); setLocation(""); setErrors({}); add.reset(); };
  return (
    <form className="dialog-form" onSubmit={submit} noValidate>
      <fieldset className="segments">
        <legend className="sr-only">Kind of data</legend>
        {(["files", "postgres"] as const).map((one) => (
          <label key={one} className="segment">
            <input type="radio" name="kind" checked={kind === one} onChange={() => choose(one)} />
            <span>{one === "files" ? "Folder of files" : "PostgreSQL"}</span>
          </label>
        ))}
      </fieldset>
      <TextField label="Name" value={name} maxLength={80} onChange={(event) => setName(event.target.value)} error={errors.name ?? null} placeholder={kind === "files" ? "Sales exports" : "Production replica"} />
      {kind === "files"
        ? <TextField label="Folder" className="input input-code" value={location} onChange={(event) => setLocation(event.target.value)} error={errors.location ?? null} placeholder="/srv/data/exports" help="Parquet, CSV and JSON files, on the server. Each file or folder of like files becomes a table." />
        : <TextField label="Address" className="input input-code" type="password" autoComplete="off" value={location} onChange={(event) => setLocation(event.target.value)} error={errors.location ?? null} placeholder="postgres://reader:…@host:5432/shop" help="Use a role that may only read. The address is sealed when it is stored and never shown again." />}
      {add.isError ? <Failure error={asProblem(add.error)} what="The connection was not added" /> : null}
      <div className="dialog-foot">
        <Button onClick={onCancel}>Cancel</Button>
        <Button look="primary" type="submit" busy={add.isPending}>Add the connection</Button>
      </div>
    </form>
  );
}
