// Adds a provider of models, or changes one. Its key is sent once and never shown again.
import { useState, type FormEvent } from "react";
import { api, expect } from "../api/client";
import type { NewProvider, Provider } from "../api/types";
import { useChange } from "../runs/changes";
import { Button } from "../ui/Button";
import { SelectField, TextField } from "../ui/Field";
import { Failure } from "../ui/States";
import { modelsOf, modelsText, WIRES } from "./models";

export function ProviderForm({ item, onClose }: { item?: Provider; onClose: () => void }) {
  const [name, setName] = useState(item?.name ?? "");
  const [wire, setWire] = useState(item?.wire ?? "openai");
  const [address, setAddress] = useState(item?.base_url ?? "");
  const [key, setKey] = useState("");
  const [models, setModels] = useState(modelsText(item?.models ?? {}));
  const [rank, setRank] = useState(String(item?.rank ?? 0));
  const [missing, setMissing] = useState(false);
  const save = useChange((body: NewProvider) => expect(api.PUT("/api/v1/ai/providers/{name}", { params: { path: { name: name.trim() } }, body })), onClose);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setMissing(name.trim() === "");
    if (name.trim() === "") return;
    // The weight has no field here: what it is stays.
    const kept = item ? { weight: item.weight } : {};
    save.mutate({ wire, base_url: address.trim() || null, key: key || null, models: modelsOf(models), rank: Number(rank) || 0, ...kept });
  };
  return (
    <form className="dialog-form" onSubmit={submit} noValidate>
      {item ? null : <TextField label="Name" placeholder="openai" autoComplete="off" value={name} error={missing && name.trim() === "" ? "Say what to call it." : null} onChange={(event) => setName(event.target.value)} />}
      <SelectField label="Language" value={wire} onChange={(event) => setWire(event.target.value)}>
        {WIRES.map((one) => <option key={one.wire} value={one.wire}>{one.name}</option>)}
      </SelectField>
      <TextField label="Key" type="password" autoComplete="off" placeholder={item?.has_key ? "Unchanged" : ""} value={key} help="It is sealed, never shown, and holds at once." onChange={(event) => setKey(event.target.value)} />
      <TextField label="Models" placeholder="Any" autoComplete="off" value={models} help="Names apart by commas; asked=there where it is called otherwise there, default=… for what is meant where none is named." onChange={(event) => setModels(event.target.value)} />
      <TextField label="Address" inputMode="url" placeholder="Where those who made the language answer" autoComplete="off" value={address} onChange={(event) => setAddress(event.target.value)} />
      <TextField label="Rank" inputMode="numeric" autoComplete="off" value={rank} help="The lowest is asked first." onChange={(event) => setRank(event.target.value)} />
      {save.isError ? <Failure error={save.error} what="The provider was not saved" lost="What you wrote is still here." change /> : null}
      <div className="dialog-foot"><Button onClick={onClose}>Cancel</Button><Button look="primary" type="submit" busy={save.isPending}>Save the provider</Button></div>
    </form>
  );
}
