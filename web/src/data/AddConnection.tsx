// The form for a new connection: a folder of files, an object store, or a PostgreSQL database.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, expect } from "../api/client";
import { asProblem } from "../api/problem";
import type { NewConnection } from "../api/types";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { Failure } from "../ui/States";
import { BucketFields, bucketBody, isBucket, type BucketDetails } from "./BucketFields";

type Kind = NewConnection["kind"];
type Errors = { name?: string; location?: string };

const KINDS: Record<Kind, { label: string; example: string; missing: string }> = {
  files: { label: "Folder of files", example: "Sales exports", missing: "Say which folder." },
  object_store: { label: "Object store", example: "Data lake", missing: "Say which bucket." },
  postgres: { label: "PostgreSQL", example: "Production replica", missing: "Say which database." },
};

function wrongLocation(kind: Kind, location: string): string | null {
  if (!location) return KINDS[kind].missing;
  if (kind === "postgres" && !/^postgres(ql)?:\/\//.test(location)) return "A PostgreSQL address begins with postgres://";
  if (kind === "object_store" && !isBucket(location)) return "An object store's address begins with s3://, gs:// or az://";
  return null;
}

function bodyOf(kind: Kind, name: string, location: string, details: BucketDetails): NewConnection {
  switch (kind) {
    case "files": return { name, kind, path: location };
    case "object_store": return bucketBody(name, location, details);
    case "postgres": return { name, kind, url: location };
  }
}

export function AddConnection({ onDone, onCancel }: { onDone: (id: string) => void; onCancel: () => void }) {
  const client = useQueryClient();
  const [kind, setKind] = useState<Kind>("files");
  const [name, setName] = useState("");
  const [location, setLocation] = useState("");
  const [details, setDetails] = useState<BucketDetails>({});
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
    const wrong = wrongLocation(kind, location.trim());
    if (wrong) found.location = wrong;
    setErrors(found);
    if (found.name || found.location) return;
    add.mutate(bodyOf(kind, name.trim(), location.trim(), details));
  };
  const choose = (next: Kind): void => { setKind(next); setLocation(""); setDetails({}); setErrors({}); add.reset(); };
  return (
    <form className="dialog-form" onSubmit={submit} noValidate>
      <fieldset className="segments">
        <legend className="sr-only">Kind of data</legend>
        {(Object.keys(KINDS) as Kind[]).map((one) => (
          <label key={one} className="segment">
            <input type="radio" name="kind" checked={kind === one} onChange={() => choose(one)} />
            <span>{KINDS[one].label}</span>
          </label>
        ))}
      </fieldset>
      <TextField label="Name" value={name} maxLength={80} onChange={(event) => setName(event.target.value)} error={errors.name ?? null} placeholder={KINDS[kind].example} />
      {kind === "object_store"
        ? <BucketFields url={location} onUrl={setLocation} details={details} onDetails={setDetails} error={errors.location ?? null} />
        : kind === "files"
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
