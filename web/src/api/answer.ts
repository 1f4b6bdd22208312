// Takes an answer as the server sent it and fills what an older or newer server left out, so that one missing list
// never breaks the whole page. Pure; tested by tests/unit.
import type { Answer, QueryResult } from "./types";

const EMPTY_RESULT: QueryResult = {
  rows: [], comparison: null, columns: [], row_count: 0, truncated: false, sql: "", connection_id: "", tables: [], rows_scanned: null, bytes_scanned: null,
  elapsed_ms: null, cached: false, computed_at: null, cost: { bytes_scanned: null, estimated_usd: null }, understanding: { text: "", chips: [] }, chart: { kind: "none", title: "", y: [] },
};
/** What each kind of answer must have for the page to show it. */
const DEFAULTS: Record<Answer["response_type"], object> = {
  query_result: EMPTY_RESULT,
  clarification: { question: "", choices: [] },
  refused: { reasons: [], unknown_words: [], suggestions: [] },
  blocked: { reasons: [], gate: null },
  approval_required: {
    preview_id: "", approval_id: null, waits_for: "approver", estimated_bytes: 0, estimated_cost_usd: 0, sql: "", instructions: "", reasons: [], expectation: "", connection_id: "", query: {},
    cost: { bytes_scanned: null, estimated_usd: null }, understanding: { text: "", chips: [] },
  },
  error: { errors: [] },
  partial_failure: { errors: [], step: null, retry_count: null },
  queued: { run_id: "", status: "queued" },
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** Keeps what is there; null and absent become the default where the default is a list or an object. */
function fill(defaults: object, value: unknown): Record<string, unknown> {
  const given = isRecord(value) ? value : {};
  const filled: Record<string, unknown> = { ...given };
  for (const [key, standard] of Object.entries(defaults)) {
    const known = given[key];
    if (Array.isArray(standard)) filled[key] = Array.isArray(known) ? known : standard;
    else if (isRecord(standard)) filled[key] = fill(standard, known);
    else filled[key] = known ?? standard;
  }
  return filled;
}

/** Null when this is no answer at all; a kind the page does not know becomes an error that says so. */
export function readAnswer(raw: unknown, runId: string | null): Answer | null {
  if (!isRecord(raw) || typeof raw["response_type"] !== "string") return null;
  const base = {
    summary: typeof raw["summary"] === "string" ? raw["summary"] : "",
    warnings: Array.isArray(raw["warnings"]) ? raw["warnings"].map(String) : [],
    run_id: typeof raw["run_id"] === "string" ? raw["run_id"] : (runId ?? ""),
  };
  const kind = raw["response_type"];
  if (!Object.hasOwn(DEFAULTS, kind)) {
    return { ...base, response_type: "error", data: { errors: [`The server gave an answer of the kind “${kind}”, which this page does not know. Reload the page to get the newest one.`] } };
  }
  const data = fill(DEFAULTS[kind as Answer["response_type"]], raw["data"]);
  if (kind === "query_result" && columnsMissing(data)) data["columns"] = columnsOf(data["rows"] as Record<string, unknown>[]);
  return { ...base, response_type: kind, data } as unknown as Answer;
}

const columnsMissing = (data: Record<string, unknown>): boolean => (data["columns"] as unknown[]).length === 0 && (data["rows"] as unknown[]).length > 0;

function columnsOf(rows: Record<string, unknown>[]): QueryResult["columns"] {
  return Object.entries(rows[0] ?? {}).map(([name, value]) => ({ name, type: typeof value === "number" ? "number" : typeof value === "boolean" ? "boolean" : "string", role: typeof value === "number" ? "measure" : "dimension" }));
}
