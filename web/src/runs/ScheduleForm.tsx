// The form for a schedule that is made or changed. While it is filled in, the server says when it would tick, and what
// is wrong with that.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, expect } from "../api/client";
import { connectionsQuery } from "../api/queries";
import { asProblem } from "../api/problem";
import type { Schedule } from "../api/types";
import { hasErrors, useFirstWrong, type Errors } from "../lib/form";
import { useSettled } from "../lib/hooks";
import { Button } from "../ui/Button";
import { AreaField, SelectField, TextField } from "../ui/Field";
import { Failure } from "../ui/States";
import { useChange } from "./changes";
import { PolicyFields } from "./PolicyFields";
import { bodyOf, formOf, missingOf, newForm, timingOf, type Form, type Timing } from "./schedule";
import { Ticks } from "./Ticks";
import { TimingFields } from "./TimingFields";

const MAX_NAME = 100;
/** A person who types is not told of every letter what is wrong with it. */
const SETTLE_MS = 350;

const hereZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export type Set = (changed: Partial<Form>) => void;
type Props = { before: Schedule | null; onDone: (schedule: Schedule) => void; onClose: () => void };

export function ScheduleForm({ before, onDone, onClose }: Props) {
  const [form, setForm] = useState<Form>(() => (before ? formOf(before, hereZone()) : newForm(hereZone())));
  const [missing, setMissing] = useState<Errors>({});
  const save = useChange((wanted: Form) => {
    const body = bodyOf(wanted, before);
    return before
      ? expect(api.PUT("/api/v1/schedules/{id}", { params: { path: { id: before.id } }, body }))
      : expect(api.POST("/api/v1/schedules", { body }));
  }, onDone);
  const timing = timingOf(form);
  const preview = usePreview(timing);
  const element = useFirstWrong(save.error ?? (hasErrors(missing) ? missing : null));
  const refused = save.isError ? refusalOf(save.error) : {};
  const errors: Errors = { ...fieldsOf(preview.error), ...refused, ...missing };
  const set: Set = (changed) => {
    setForm({ ...form, ...changed });
    setMissing({});
    if (save.isError) save.reset();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const found = missingOf(form);
    setMissing(found);
    if (!hasErrors(found)) save.mutate(form);
  };
  return (
    <form ref={element} className="dialog-form" onSubmit={submit} noValidate>
      <TextField label="Name" value={form.name} maxLength={MAX_NAME} placeholder="Morning figures" error={errors["name"] ?? null} onChange={(event) => set({ name: event.target.value })} />
      <AreaField label="Question" rows={2} value={form.question} placeholder="How many flights were there yesterday?" error={errors["input.question"] ?? null} onChange={(event) => set({ question: event.target.value })} />
      <ConnectionField form={form} set={set} error={errors["input.connection"] ?? null} />
      <div className="when">
        <TimingFields form={form} set={set} errors={errors} />
        <Preview preview={preview} said={timing !== null} />
      </div>
      <PolicyFields form={form} set={set} errors={errors} />
      {save.isError && !hasErrors(refused) ? <Failure error={save.error} what={before ? "The schedule was not changed" : "The schedule was not made"} lost="What you wrote is still here." change /> : null}
      <div className="dialog-foot form-foot">
        {before ? <p className="hint">From now on its runs act for you, and it ticks next as shown.</p> : null}
        <Button onClick={onClose}>Cancel</Button>
        <Button look="primary" type="submit" busy={save.isPending}>{before ? "Save the schedule" : "Make the schedule"}</Button>
      </div>
    </form>
  );
}

const fieldsOf = (error: unknown): Errors => (error ? asProblem(error).fields : {});

/** A name that is taken is a fault of the field, too. */
function refusalOf(error: unknown): Errors {
  const problem = asProblem(error);
  return problem.code === "schedule.exists" ? { name: problem.message } : problem.fields;
}

function ConnectionField({ form, set, error }: { form: Form; set: Set; error: string | null }) {
  const { data } = useQuery(connectionsQuery);
  const ready = data?.filter((one) => one.status === "ready" || one.id === form.connection) ?? [];
  if (ready.length < 2 && error === null) return null;
  return (
    <SelectField label="Asked of" value={form.connection} error={error} onChange={(event) => set({ connection: event.target.value })}>
      <option value="">the default connection</option>
      {ready.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
    </SelectField>
  );
}

function usePreview(timing: Timing | null) {
  const settled = useSettled(timing, SETTLE_MS);
  return useQuery({
    queryKey: ["preview", settled],
    queryFn: async () => (await expect(api.POST("/api/v1/schedules/preview", { body: settled ?? {} }))).items,
    enabled: settled !== null, retry: false, gcTime: 0, placeholderData: keepPreviousData,
  });
}

function Preview({ preview, said }: { preview: ReturnType<typeof usePreview>; said: boolean }) {
  const ticks = preview.isError || !said ? null : preview.data;
  const unread = preview.isError && !hasErrors(asProblem(preview.error).fields);
  return (
    <div className={`preview ${preview.isPlaceholderData ? "preview-old" : ""}`} aria-live="polite">
      <p className="label">Next ticks</p>
      {ticks && ticks.length > 0
        ? <Ticks ticks={ticks} label="Next ticks" />
        : <p className="hint">{preview.isError && said ? (unread ? asProblem(preview.error).message : "As it stands, it cannot tick.") : ticks ? "The calendar has none." : "They stand here once it is said when."}</p>}
    </div>
  );
}
