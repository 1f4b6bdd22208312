// How a schedule treats ticks that cannot simply run. Most never need it, so it is folded, and tells in one line what it
// holds.
import { useState } from "react";
import type { Errors } from "../lib/form";
import { Icon } from "../ui/Icon";
import { SelectField, TextField } from "../ui/Field";
import { BOUNDED_PICK, CATCH_UPS, OVERLAPS, type Form } from "./schedule";
import type { Set } from "./ScheduleForm";

const FIELDS = ["overlap", "catch_up", "jitter_seconds", "queue"];

export function PolicyFields({ form, set, errors }: { form: Form; set: Set; errors: Errors }) {
  const [opened, setOpened] = useState(false);
  const open = opened || FIELDS.some((field) => errors[field]);
  return (
    <div className="policy-fields">
      <button type="button" className="fold fold-head" aria-expanded={open} onClick={() => setOpened(!open)}><Icon name={open ? "down" : "right"} size={12} />When a tick cannot simply run</button>
      {open ? (
        <>
          <SelectField label="While a run before it has not ended" value={form.overlap} error={errors["overlap"] ?? null} onChange={(event) => set({ overlap: event.target.value })}>
            {Object.entries(OVERLAPS).map(([value, { pick }]) => <option key={value} value={value}>{pick}</option>)}
          </SelectField>
          <SelectField label="After ticks were missed" value={form.catchUp} error={form.catchUp === "bounded" ? null : errors["catch_up"] ?? null} onChange={(event) => set({ catchUp: event.target.value })} help="Ticks are missed while no worker is up, or while the schedule is paused.">
            {Object.entries(CATCH_UPS).map(([value, { pick }]) => <option key={value} value={value}>{pick}</option>)}
            <option value="bounded">{BOUNDED_PICK}</option>
          </SelectField>
          {form.catchUp === "bounded" ? <TextField label="How many of the newest" inputMode="numeric" value={form.bound} error={errors["catch_up"] ?? null} onChange={(event) => set({ bound: event.target.value })} /> : null}
          <TextField label="Spread over, in seconds" inputMode="numeric" value={form.jitter} error={errors["jitter_seconds"] ?? null} onChange={(event) => set({ jitter: event.target.value })} help="Each run begins up to so much after its tick, so that not all begin at once. 0 is on the second." />
        </>
      ) : null}
    </div>
  );
}
