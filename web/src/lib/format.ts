// How numbers, bytes, money, durations and ids are written on the page. Pure; tested by tests/unit.
import type { Cell, ResultColumn } from "../api/types";

const LOCALE = "en-US";
const MAX_DECIMALS = 2;
const SHORT_ID = 8;

// Halves go to the even neighbour, as they do in the server's sentences.
const ROUNDING = { roundingMode: "halfEven" } as const;
const decimals = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: MAX_DECIMALS, ...ROUNDING });
const compact = new Intl.NumberFormat(LOCALE, { notation: "compact", maximumFractionDigits: 1 });
const significant = new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 3, ...ROUNDING });

/** At most two decimals; below one, three digits that count, so that a small share does not read as nothing. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  return Math.abs(value) < 1 ? significant.format(value) : decimals.format(value);
}

/** How one column's cells are written, found from all of them: decimals of one length, so that points stand in line. */
export type CellStyle = { decimals?: number };

const MAX_SMALL_DECIMALS = 4;
const CURRENCIES = /^(?:usd|eur|gbp|chf|cad|aud|nzd|sek|nok|dkk|pln|czk|inr|cny|brl|[$€£])$/i;
const isMoney = (unit: string | null | undefined): boolean => CURRENCIES.test(unit ?? "");

export function styleOf(values: (Cell | undefined)[], column: Pick<ResultColumn, "type" | "unit">): CellStyle {
  if (column.type !== "number") return {};
  const numbers = values.filter((value) => value !== null && value !== undefined && value !== "").map(Number);
  const most = numbers.some((value) => Math.abs(value) >= 1) ? MAX_DECIMALS : MAX_SMALL_DECIMALS;
  const longest = Math.max(0, ...numbers.map((value) => formatNumber(value).split(".")[1]?.length ?? 0));
  return { decimals: isMoney(column.unit) ? MAX_DECIMALS : Math.min(most, longest) };
}

function formatFixed(value: number, digits: number): string {
  const text = value.toLocaleString(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits, ...ROUNDING });
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
  const whole = Math.round(seconds);
  if (whole < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0).replace(/\.0$/, "")} s`;
  const two = (many: number, unit: string, rest: number, part: string): string => (rest === 0 ? `${many} ${unit}` : `${many} ${unit} ${rest} ${part}`);
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? two(minutes, "min", whole % 60, "s") : two(Math.floor(minutes / 60), "h", minutes % 60, "min");
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

/** Whether a column's cells are numerals, which stand to the right; months written by name are not. */
export const isNumeric = (column: Pick<ResultColumn, "type" | "grain">): boolean =>
  (column.type === "integer" || column.type === "number") && column.grain !== "month_of_year";

/** A unit beside a name that says it already would be said twice. */
export const unitBeside = (column: Pick<ResultColumn, "name" | "unit">): string | null =>
  column.unit && !column.name.toLowerCase().includes(column.unit.toLowerCase()) ? column.unit : null;

/** Names from a query as words: `dep_delay` is "Dep delay". */
export function humanize(name: string): string {
  return capitalize(name.replace(/[_.]+/g, " ").trim());
}

export const capitalize = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const MOMENT = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d).*)?$/;

type CellColumn = Pick<ResultColumn, "type" | "role" | "name"> & Partial<Pick<ResultColumn, "unit" | "grain">>;

/**
 * The value of a cell without its unit; null where there is none. The server writes values by the same rules in its
 * sentences; both are held to the cases of crates/domain/tests/cells.json.
 */
export function formatCell(value: Cell | undefined, column: CellColumn, style: CellStyle = {}): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return formatNumeral(value, column, style);
  if (column.type === "integer" || column.type === "number") {
    return value.trim() !== "" && Number.isFinite(Number(value)) ? formatNumeral(Number(value), column, style) : value;
  }
  if (column.grain) return formatPeriod(value, column.grain) ?? value;
  return column.type === "date" || column.type === "timestamp" ? (formatMoment(value) ?? value) : value;
}

function formatNumeral(value: number, column: CellColumn, style: CellStyle): string {
  const part = formatPart(value, column.grain);
  if (part) return part;
  if (isMoney(column.unit)) return formatFixed(value, MAX_DECIMALS);
  // Years and ids are numbers too, and a thousands separator would make them unreadable.
  if (column.role !== "measure") return String(value);
  return style.decimals === undefined ? formatNumber(value) : formatFixed(value, style.decimals);
}

function formatPart(value: number, grain: ResultColumn["grain"]): string | undefined {
  switch (grain) {
    case "month_of_year": return MONTHS[value - 1];
    case "hour_of_day": return `${String(value).padStart(2, "0")}:00`;
    case "year": case "day_of_month": return String(value);
    default: return undefined;
  }
}

type Parts = { year: string; month: number; day: number; clock: string };

function partsOf(text: string): Parts | null {
  const [, year, month, day, hour, minute, second] = MOMENT.exec(text) ?? [];
  if (!year || !MONTHS[Number(month) - 1]) return null;
  const clock = hour === undefined ? "" : `${hour}:${minute}${second === "00" ? "" : `:${second}`}`;
  return { year, month: Number(month), day: Number(day), clock };
}

const shortMonth = (at: Parts): string => MONTHS[at.month - 1]?.slice(0, 3) ?? "";
const formatDay = (at: Parts): string => `${at.day} ${shortMonth(at)} ${at.year}`;

/** `3 Feb 2025`, `3 Feb 2025, 14:00`. */
function formatMoment(text: string): string | null {
  const at = partsOf(text);
  return at && (at.clock ? `${formatDay(at)}, ${at.clock}` : formatDay(at));
}

/** A period by its first moment. */
function formatPeriod(text: string, grain: NonNullable<ResultColumn["grain"]>): string | null {
  const at = partsOf(text);
  if (!at) return null;
  switch (grain) {
    case "year": return at.year;
    case "quarter": return `Q${Math.ceil(at.month / 3)} ${at.year}`;
    case "month": return `${shortMonth(at)} ${at.year}`;
    case "week": return `week of ${formatDay(at)}`;
    case "day": return formatDay(at);
    case "hour": return formatMoment(text);
    default: return null;
  }
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
