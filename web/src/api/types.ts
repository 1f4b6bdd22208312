// The shapes the server speaks, named once for the whole page. `Paths` below has the form that openapi-typescript
// generates, so `schema.d.ts` can take its place in client.ts; the named types then become aliases of its schemas.

export type Role = "viewer" | "member" | "operator" | "admin";
export type TenantRef = { id: string; name: string; role: Role };
export type Session = {
  authenticated: true;
  tenant: string;
  subject: string;
  role: Role;
  mode: "development" | "production";
  tenants: TenantRef[];
  csrf_token: string;
  version: string;
};

/** RFC 9457, with the fields the house adds; `line` comes with documents that are refused at one line. */
export type ProblemBody = {
  type?: string;
  title?: string;
  status?: number;
  detail?: string | string[] | Record<string, unknown>;
  code?: string;
  request_id?: string;
  line?: number | null;
};

export type Cell = string | number | boolean | null;
export type ColumnType = "integer" | "number" | "string" | "boolean" | "date" | "timestamp";
export type ResultColumn = {
  name: string;
  type: ColumnType;
  unit?: string | null;
  role?: "dimension" | "measure" | "time" | null;
};
export type Chip = { kind: string; label: string; value: string };
export type ChartSpec = { kind: "number" | "bar" | "line" | "none"; x?: string | null; y?: string[] | null; title?: string | null };
export type QueryResult = {
  rows: Record<string, Cell>[];
  columns: ResultColumn[];
  row_count: number;
  truncated: boolean;
  sql: string;
  connection_id: string;
  tables: { name: string; rows: number | null; updated_at: string | null }[];
  rows_scanned: number | null;
  bytes_scanned: number | null;
  elapsed_ms: number | null;
  cost: { bytes_scanned: number | null; estimated_usd: string | null };
  understanding: { text: string; chips: Chip[] };
  chart: ChartSpec;
};
export type Choice = { id: string; label: string; detail?: string | null; message?: string | null };

type AnswerOf<T extends string, D> = { response_type: T; summary: string; warnings: string[]; run_id: string; data: D };
export type Answer =
  | AnswerOf<"query_result", QueryResult>
  | AnswerOf<"clarification", { question: string; choices: Choice[] }>
  | AnswerOf<"refused", { reasons: string[]; unknown_words: string[]; suggestions: string[] }>
  | AnswerOf<"blocked", { reasons: string[]; gate?: { approval_required?: boolean; next_action?: string } | null }>
  | AnswerOf<"error", { errors: string[] }>
  | AnswerOf<"partial_failure", { step?: string | null; retry_count?: number | null }>
  | AnswerOf<"queued", { run_id: string; status: string }>;

export type StepStatus = "started" | "succeeded" | "failed";
export type StepEvent = { seq: number; name: string; status: StepStatus; summary?: string | null; elapsed_ms?: number | null };

export type AskBody = {
  org_id: string;
  user_id: string;
  message: string;
  session_id: string;
  connection_id?: string;
  reply_to?: string;
  choice?: string;
};

export type RunStatus = "queued" | "running" | "waiting" | "succeeded" | "failed" | "cancelled" | "dead";
export type RunError = { code: string; message: string };
export type Run = {
  id: string;
  kind: string;
  title: string;
  status: RunStatus;
  subject: string;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  attempt: number;
  error: RunError | null;
};
export type RunStep = {
  seq: number;
  name: string;
  attempt: number;
  status: string;
  started_at: string;
  finished_at: string | null;
  output: unknown;
  error: RunError | null;
};
export type RunDetail = Run & { input: unknown; output: unknown; steps: RunStep[] };

export type Connection = {
  id: string;
  name: string;
  kind: "files" | "postgres";
  status: "ready" | "failed" | "profiling";
  location: string;
  read_only_sample: boolean;
  created_at: string;
  checked_at: string | null;
  error: string | null;
  table_count: number;
};
export type NewConnection = { name: string; kind: "files"; path: string } | { name: string; kind: "postgres"; url: string };
export type CatalogColumn = {
  name: string;
  type: string;
  nullable: boolean;
  distinct: number | null;
  values: string[] | null;
  key: "primary" | "foreign" | null;
  references: string | null;
};
export type CatalogTable = { name: string; row_count: number | null; bytes: number | null; updated_at: string | null; columns: CatalogColumn[] };
export type Semantic = { yaml: string; version: number | string; updated_at: string | null };

export type Tenant = { id: string; name: string; created_at: string };
export type Token = {
  id: string;
  subject: string;
  role: Role;
  tenant: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
};
export type NewToken = { subject: string; role: Role; expires_in_days?: number };
export type IssuedToken = Token & { token: string };
export type AuditRow = {
  seq: number;
  at: string;
  subject: string;
  action: string;
  resource: string;
  outcome: string;
  code: string | null;
  request_id: string;
};
export type Page<T> = { items: T[]; next_cursor: string | null };
