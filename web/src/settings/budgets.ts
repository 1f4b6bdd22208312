// Limits in words and figures. Pure; tested by tests/unit.
import type { Budget, BudgetAlert } from "../api/types";
import { formatCount, formatUsd, shortId } from "../lib/format";

export const NANO_PER_USD = 1_000_000_000;

export const STATUSES: Record<string, string> = { ok: "There is room", warning: "Nearly full", exceeded: "Full" };

/** When windows begin anew that have no moment for it. */
export const WINDOWS: Record<string, string> = { for_ever: "never" };

const EACH: Record<string, string> = { tenant: "All together", project: "Each project", repository: "Each repository", token: "Each token", user: "Each user", task: "Each task", run: "Each run" };
const PER: Record<string, string> = { day: "a day", month: "a month", for_ever: "in all" };

/** "Each user, tokens a day". */
export function limitTitle(limit: Pick<Budget, "level" | "unit" | "window"> & { name?: string | null }): string {
  const name = limit.level === "run" && limit.name ? shortId(limit.name) : limit.name;
  const who = name ? `${limit.level} ${name}` : EACH[limit.level] ?? limit.level;
  return `${who}, ${limit.unit === "nano_usd" ? "money" : "tokens"} ${PER[limit.window] ?? rolling(limit.window)}`;
}

function rolling(window: string): string {
  const seconds = Number(window.replace("rolling:", ""));
  return seconds % 3600 === 0 ? `in ${formatCount(seconds / 3600, "hour")}` : `in ${formatCount(seconds, "second")}`;
}

/** "80 percent of 50,000 tokens", or that it will not be enough. */
export function alertText({ threshold, amount, unit }: Pick<BudgetAlert, "threshold" | "amount" | "unit">): string {
  const all = inUnit(amount ?? 0, unit);
  return threshold ? `${threshold} percent of ${all}` : `${all} will not be enough at this rate`;
}

/** Of each limit the share that it came to last; the newest first, as they are given. */
export function latestAlerts(alerts: BudgetAlert[]): BudgetAlert[] {
  const seen = new Set<string>();
  return alerts.filter((alert) => {
    const limit = `${alert.level} ${alert.name ?? ""} ${alert.unit} ${alert.window} ${alert.since}`;
    return !seen.has(limit) && seen.add(limit);
  });
}

/** An amount in its unit. */
export const inUnit = (amount: number, unit: string): string => (unit === "nano_usd" ? formatUsd(String(amount / NANO_PER_USD)) : formatCount(amount, "token"));

/** What a field says: null for no limit, undefined where it is no amount. Money is written in dollars. */
export function amountOf(text: string, unit: string): number | null | undefined {
  const plain = text.trim().replace(/^\$/, "").replace(/,/g, "");
  if (plain === "") return null;
  if (!/^\d+(\.\d+)?$/.test(plain)) return undefined;
  const amount = unit === "nano_usd" ? Math.round(Number(plain) * NANO_PER_USD) : Number(plain);
  return Number.isSafeInteger(amount) ? amount : undefined;
}
