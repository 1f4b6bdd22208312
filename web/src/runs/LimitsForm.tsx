// What a queue allows, for who administers the installation: each limit with what it means.
import { useId, useState, type FormEvent } from "react";
import { api, expect } from "../api/client";
import { asProblem } from "../api/problem";
import type { Queue } from "../api/types";
import { hasErrors, useFirstWrong, type Errors } from "../lib/form";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { Failure } from "../ui/States";
import { useChange } from "./changes";
import { limitsBody, limitsErrors, limitsForm, type LimitsFormData } from "./limits";

const COUNTS = [
  ["total", "At work at once", "Over all tenants and all workers."],
  ["per_tenant", "At work at once for one tenant", "So that no tenant takes the places of the others."],
  ["per_key", "At work at once with one key", "Within a tenant, of the runs that were given the same key."],
] as const;

export function LimitsForm({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const [form, setForm] = useState(() => limitsForm(queue.limits));
  const [wrong, setWrong] = useState<Errors>({});
  const save = useChange(
    (wanted: LimitsFormData) => expect(api.PUT("/api/v1/queues/{name}/limits", { params: { path: { name: queue.name } }, body: limitsBody(wanted) })),
    onClose,
  );
  const element = useFirstWrong(save.error ?? (hasErrors(wrong) ? wrong : null));
  const refused = save.isError ? asProblem(save.error).fields : {};
  const errors: Errors = { ...refused, ...wrong };
  const set = (name: keyof LimitsFormData, value: string): void => {
    setForm({ ...form, [name]: value });
    setWrong({});
    if (save.isError) save.reset();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const found = limitsErrors(form);
    setWrong(found);
    if (!hasErrors(found)) save.mutate(form);
  };
  return (
    <form ref={element} className="dialog-form" onSubmit={submit} noValidate>
      <p className="quiet">For all tenants, in force within seconds. An empty field is no limit; 0 lets nothing begin. Runs at work go on to their end.</p>
      {COUNTS.map(([name, label, help]) => (
        <TextField key={name} label={label} help={help} inputMode="numeric" autoComplete="off" placeholder="No limit" value={form[name]} error={errors[name] ?? null} onChange={(event) => set(name, event.target.value)} />
      ))}
      <Rate form={form} set={set} error={errors["rate"] ?? null} />
      {save.isError && !hasErrors(refused) ? <Failure error={save.error} what="The limits were not changed" lost="They stand as they stood." change /> : null}
      <div className="dialog-foot"><Button onClick={onClose}>Cancel</Button><Button look="primary" type="submit" busy={save.isPending}>Save the limits</Button></div>
    </form>
  );
}

function Rate({ form, set, error }: { form: LimitsFormData; set: (name: keyof LimitsFormData, value: string) => void; error: string | null }) {
  const id = useId();
  const tied = { "aria-describedby": `${id}-help ${id}-error`, ...(error ? { "aria-invalid": true as const } : {}) };
  return (
    <fieldset className="field">
      <legend className="field-legend">Rate</legend>
      <div className="rate">
        <input className="input" inputMode="numeric" autoComplete="off" aria-label="Starts" placeholder="No limit" value={form.starts} onChange={(event) => set("starts", event.target.value)} {...tied} />
        <span>starts in</span>
        <input className="input" inputMode="numeric" autoComplete="off" aria-label="Seconds" value={form.per_seconds} onChange={(event) => set("per_seconds", event.target.value)} {...tied} />
        <span>seconds</span>
      </div>
      <p id={`${id}-help`} className="field-help">How many runs may begin in how long, over all tenants.</p>
      {error ? <p id={`${id}-error`} className="field-error" role="alert">{error}</p> : null}
    </fieldset>
  );
}
