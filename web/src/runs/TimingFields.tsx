// When a schedule ticks: at a time on some days, every so often, or as a cron expression says.
import { useId } from "react";
import type { Errors } from "../lib/form";
import { TextField } from "../ui/Field";
import { UNITS, WEEK, type Form, type Mode, type Unit } from "./schedule";
import type { Set } from "./ScheduleForm";

const MODES: Record<Mode, string> = { days: "On days", every: "Every …", cron: "Cron" };

type Props = { form: Form; set: Set; errors: Errors };

export function TimingFields(props: Props) {
  const { form, set, errors } = props;
  return (
    <div className="when-fields">
      <fieldset>
        <legend className="field-legend">When</legend>
        <div className="segments">
          {(Object.keys(MODES) as Mode[]).map((mode) => (
            <label key={mode} className="segment"><input type="radio" name="mode" checked={form.mode === mode} onChange={() => set({ mode })} /><span>{MODES[mode]}</span></label>
          ))}
        </div>
      </fieldset>
      {form.mode === "days" ? <Days {...props} /> : null}
      {form.mode === "every" ? <Every {...props} /> : null}
      {form.mode === "cron" ? (
        <>
          <TextField
            label="Cron expression" className="input input-code" value={form.cron} placeholder="30 7 * * 1-5" autoCapitalize="off" error={errors["cron"] ?? null} onChange={(event) => set({ cron: event.target.value })}
            help="Minute, hour, day of month, month, day of week; six fields begin with seconds."
          />
          <Zone {...props} />
        </>
      ) : null}
    </div>
  );
}

function Days({ form, set, errors }: Props) {
  const id = useId();
  const toggle = (day: number): void => set({ days: form.days.includes(day) ? form.days.filter((one) => one !== day) : [...form.days, day] });
  const error = errors["cron"];
  const noDay = form.days.length === 0;
  const described = noDay && error ? { "aria-describedby": id, "aria-invalid": true as const } : {};
  return (
    <>
      <fieldset className="days">
        <legend className="sr-only">Days</legend>
        {WEEK.map(([day, name], at) => (
          <label key={day} className="day"><input type="checkbox" checked={form.days.includes(day)} onChange={() => toggle(day)} {...(at === 0 ? described : {})} /><span>{name}</span></label>
        ))}
      </fieldset>
      {noDay && error ? <p id={id} className="field-error" role="alert">{error}</p> : null}
      <div className="pair">
        <TextField label="At" type="time" value={form.time} error={noDay ? null : error ?? null} onChange={(event) => set({ time: event.target.value })} />
        <Zone form={form} set={set} errors={errors} />
      </div>
    </>
  );
}

function Every({ form, set, errors }: Props) {
  const id = useId();
  const error = errors["every_seconds"] ?? errors["anchor"];
  return (
    <div className="field">
      <label htmlFor={id}>Every</label>
      <div className="pair">
        <input id={id} className="input num" inputMode="numeric" value={form.count} onChange={(event) => set({ count: event.target.value })} aria-describedby={`${id}-words`} {...(error ? { "aria-invalid": true } : {})} />
        <select className="input" aria-label="Unit" value={form.unit} onChange={(event) => set({ unit: event.target.value as Unit })}>
          {Object.keys(UNITS).map((unit) => <option key={unit} value={unit}>{form.count.trim() === "1" ? unit.slice(0, -1) : unit}</option>)}
        </select>
      </div>
      {error ? <p id={`${id}-words`} className="field-error" role="alert">{error}</p> : <p id={`${id}-words`} className="field-help">Counted from {form.anchor ?? "midnight UTC"}, whatever the clocks of a place do.</p>}
    </div>
  );
}

function Zone({ form, set, errors }: Props) {
  const list = useId();
  return (
    <div>
      <TextField label="Time zone" list={list} value={form.zone} placeholder="Europe/Berlin" autoCapitalize="off" error={errors["time_zone"] ?? null} onChange={(event) => set({ zone: event.target.value })} />
      <datalist id={list}>{ZONES.map((zone) => <option key={zone} value={zone} />)}</datalist>
    </div>
  );
}

/** As far as the browser knows them; the server knows all. */
const ZONES = [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone")])];
