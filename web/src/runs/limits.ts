// What the form for a queue's limits holds and sends. Pure; tested by tests/unit.
import type { LimitsBody, Queue } from "../api/types";
import { whole, type Errors } from "../lib/form";
import { formatNumber } from "../lib/format";

/** As the server bounds them. */
const MAX_RUNNING = 10_000;
const MAX_STARTS = 1_000_000;
const MAX_PERIOD_SECONDS = 86_400;

/** What is left empty is without limit. */
export type LimitsFormData = Record<"total" | "per_tenant" | "per_key" | "starts" | "per_seconds", string>;

const written = (limit: number | null | undefined): string => (typeof limit === "number" ? String(limit) : "");

export const limitsForm = ({ total, per_tenant, per_key, rate }: Queue["limits"]): LimitsFormData => ({
  total: written(total), per_tenant: written(per_tenant), per_key: written(per_key), starts: written(rate?.starts), per_seconds: written(rate?.per_seconds),
});

function fault(text: string, least: number, most: number): string | null {
  const value = whole(text);
  return value !== null && value >= least && value <= most ? null : `A whole number from ${formatNumber(least)} to ${formatNumber(most)}.`;
}

/** What is wrong, by the names that the server gives the fields. */
export function limitsErrors(form: LimitsFormData): Errors {
  const found: Record<string, string> = {};
  for (const name of ["total", "per_tenant", "per_key"] as const) {
    const wrong = form[name].trim() === "" ? null : fault(form[name], 0, MAX_RUNNING);
    if (wrong) found[name] = wrong.replace(".", ", or empty for no limit.");
  }
  const [starts, seconds] = [form.starts.trim(), form.per_seconds.trim()];
  if (starts === "" && seconds === "") return found;
  const wrong = starts === "" || seconds === "" ? "Say both, or neither for no limit." : fault(starts, 1, MAX_STARTS) ?? fault(seconds, 1, MAX_PERIOD_SECONDS);
  if (wrong) found["rate"] = wrong;
  return found;
}

/** All four are sent, so that what is emptied is lifted; the form must hold no error. */
export function limitsBody(form: LimitsFormData): LimitsBody {
  const [starts, seconds] = [whole(form.starts), whole(form.per_seconds)];
  return {
    total: whole(form.total), per_tenant: whole(form.per_tenant), per_key: whole(form.per_key),
    rate: starts !== null && seconds !== null ? { starts, per_seconds: seconds } : null,
  };
}
