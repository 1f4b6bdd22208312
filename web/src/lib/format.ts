// How numbers, bytes, money, durations and ids are written on the page. Pure; tested by tests/unit.
import type { Cell, ResultColumn } from "../api/types";

const LOCALE = "en-US";
const MAX_DECIMALS = 2;
const SHORT_ID = 8;

const decimals = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: MAX_DECIMALS });
const compact = new Intl.NumberFormat(LOCALE, { notation: "compact", maximumFractionDigits: 1 });
const significant = new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 3 });

export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  // A small fraction rounded to two places would read as nothing.
  return Math.abs(value) < 0.01 ? significant.format(value) : decimals.format(value);
}

/** How one column's cells are written, found from all of them: dates by their grain, decimals of one length. */
export type CellStyle = { grain?: Grain; decimals?: number };

export function styleOf(values: (Cell | undefined)[], column: Pick<ResultColumn, "type" | "unit">): CellStyle {
  if (column.type === "date" || column.type === "timestamp") return { grain: grainOf(values) };
  if (column.type !== "number") return {};
  const lengths = values.filter((value) => value !== null && value !== undefined && value !== "").map((value) => decimals.format(Number(value)).split(".")[1]?.length ?? 0);
  const longest = Math.max(0, ...lengths);
  return { decimals: /^(usd|eur|gbp|chf|[$€£])$/i.test(column.unit ?? "") ? MAX_DECIMALS : longest };
}

function formatFixed(value: number, digits: number): string {
  const text = value.toLocaleString(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  // What rounds to nothing but is not nothing keeps its first digits.
  return value !== 0 && Number(value.toFixed(digits)) === 0 ? formatNumber(value) : text;
}

export function formatCompact(value: number): string {
  return compact.format(value);
}

export function formatCount(value: number, one: string, many = `${one}s`): string {
  return `${formatNumber(value)} ${value === 1 ? one : many}`;
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1000 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits).replace(/\.0$/, "")} ${BYTE_UNITS[unit]}`;
}

export function formatDuration(ms: number): string {
  if (ms < 1) return "under 1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0).replace(/\.0$/, "")} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `usd` is a decimal string, so that no cent is lost on the way; it shows the decimals that matter. */
export function formatUsd(usd: string): string {
  const value = Number(usd);
  if (!Number.isFinite(value)) return usd;
  if (value === 0) return "$0.00";
  return value < 0.01 ? `$${significant.format(value)}` : `$${value.toFixed(2).replace(/\B(?=(\d{3})+(?!\d))/g, ",")}`;
}

export function shortId(id: string): string {
  // The random half of a version 7 UUID is at its end; its beginning is the time and the same for neighbours.
  return id.length <= SHORT_ID + 2 ? id : id.slice(-SHORT_ID);
}

export const isNumeric = (column: Pick<ResultColumn, "type">): boolean => column.type === "integer" || column.type === "number";

/** A unit beside a name that says it already would be said twice. */
export const unitBeside = (column: Pick<ResultColumn, "name" | "unit">): string | null =>
  column.unit && !column.name.toLowerCase().includes(column.unit.toLowerCase()) ? column.unit : null;

/** Names from a query as words: `dep_delay` is "Dep delay". */
export function humanize(name: string): string {
  const words = name.replace(/[_.]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const year = new Intl.DateTimeFormat(LOCALE, { year: "numeric", timeZone: "UTC" });
const month = new Intl.DateTimeFormat(LOCALE, { year: "numeric", month: "short", timeZone: "UTC" });
const day = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeZone: "UTC" });
const minute = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });

export type Grain = "year" | "month" | "day" | "time";

/** The coarsest step in which all these moments lie: months when each is the first of one at midnight, and so on. */
export function grainOf(values: (Cell | undefined)[]): Grain {
  const texts = values.filter((value) => typeof value === "string");
  const all = (pattern: RegExp): boolean => texts.length > 1 && texts.every((text) => pattern.test(text));
  if (all(/^\d{4}-01-01(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?)?$/)) return "year";
  if (all(/^\d{4}-\d\d-01(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?)?$/)) return "month";
  return texts.every((text) => /^\d{4}-\d\d-\d\d(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:00)?)?$/.test(text)) ? "day" : "time";
}

export function formatCell(value: Cell | undefined, column: Pick<ResultColumn, "type" | "role" | "name">, style: CellStyle = {}): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return isYear(value, column) ? String(value) : formatWith(value, style);
  if (column.type === "date" || column.type === "timestamp") return formatMoment(value, style.grain ?? grainOf([value]));
  if (isNumeric(column) && value.trim() !== "" && Number.isFinite(Number(value))) return formatWith(Number(value), style);
  return value;
}

const formatWith = (value: number, style: CellStyle): string => (style.decimals === undefined ? formatNumber(value) : formatFixed(value, style.decimals));

/** 2013 is a year, not two thousand and thirteen; ids and codes are not counted either. */
function isYear(value: number, column: Pick<ResultColumn, "role" | "name">): boolean {
  return Number.isInteger(value) && column.role !== "measure" && (/(^|_)(year|id|key|zip|number|no)$/i.test(column.name) || /^year/i.test(column.name));
}

function formatMoment(text: string, grain: Grain): string {
  const hasZone = /(z|[+-]\d\d:?\d\d)$/i.test(text);
  const at = new Date(text.includes("T") || text.includes(" ") ? `${text.replace(" ", "T")}${hasZone ? "" : "Z"}` : `${text}T00:00:00Z`);
  if (Number.isNaN(at.getTime())) return text;
  return { year, month, day, time: minute }[grain].format(at);
}

/** RFC 4180; a leading sign that a spreadsheet would run as a formula is disarmed. */
export function toCsv(columns: ResultColumn[], rows: Record<string, Cell>[]): string {
  const field = (value: Cell | undefined): string => {
    if (value === null || value === undefined) return "";
    const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns.map((column) => field(column.name)), ...rows.map((row) => columns.map((column) => field(row[column.name])))];
  return `${lines.map((line) => line.join(",")).join("\r\n")}\r\n`;
}
