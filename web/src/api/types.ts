// The shapes the server speaks, by the names the page uses. They are the schemas of the server's own document, from
// which `npm run api` writes schema.d.ts; only what the document leaves open, or the page must bear, is said here.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Role = "viewer" | "member" | "operator" | "admin";
export type Session = Schemas["SessionDto"];

/** RFC 9457 or the originals' shape, and no promise that anything of it is there: a proxy may have answered. */
export type ProblemBody = Partial<Omit<Schemas["ProblemDetails"], "detail">> & { detail?: string | unknown[] | Record<string, unknown>; approval_id?: unknown };

export type Cell = string | number | boolean | null;
export type ColumnType = Schemas["DataType"];
export type ResultColumn = Schemas["ResultColumn"];
export type Alternative = Schemas["Alternative"];
export type ReadBy = Schemas["ReadBy"];
export type Chip = Omit<Schemas["Chip"], "kind"> & { kind: string };
export type ChartSpec = Schemas["Chart"];
/** What was measured may be unknown: not every engine tells what it read. */
type Measured = "rows_scanned" | "bytes_scanned" | "elapsed_ms";
export type QueryResult = Omit<Schemas["QueryResult"], Measured | "rows" | "computed_at" | "cost" | "comparison" | "understanding" | "query" | "semantic_version" | "asked_sql"> & {
  [name in Measured]: number | null;
} & {
  rows: Record<string, Cell>[];
  computed_at: string | null;
  comparison: { rows: Record<string, Cell>[] } | null;
  cost: Cost;
  understanding: { text: string; chips: Chip[]; verified?: Schemas["Verified"] | null };
};
export type Cost = Partial<Omit<Schemas["Cost"], "bytes_scanned" | "estimated_usd">> & { bytes_scanned: number | null; estimated_usd: string | null };
export type Waiting = Omit<Schemas["Waiting"], "cost" | "understanding"> & { cost: Cost; understanding: QueryResult["understanding"] };
export type Proposal = Schemas["ProposalDto"];
export type Choice = Omit<Schemas["Choice"], "query">;

type AnswerOf<T extends Schemas["AnswerData"]["response_type"], D> = Pick<Schemas["AnswerDto"], "summary" | "warnings" | "run_id"> & { response_type: T; data: D };
/** As readAnswer in answer.ts hands it out: every list is there, what may be missing is null. */
export type Answer =
  | AnswerOf<"query_result", QueryResult>
  | AnswerOf<"clarification", { question: string; choices: Choice[] }>
  | AnswerOf<"refused", Schemas["Refused"]>
  | AnswerOf<"blocked", { reasons: string[]; gate: Schemas["Gate"] | null }>
  | AnswerOf<"approval_required", Waiting>
  | AnswerOf<"error", { errors: string[] }>
  | AnswerOf<"partial_failure", { errors: string[]; step: string | null; retry_count: number | null }>
  | AnswerOf<"queued", Pick<Schemas["Queued"], "run_id" | "status">>;

/** The events of a stream are no part of the document. */
export type StepStatus = "started" | "succeeded" | "failed";
export type StepEvent = { seq: number; name: string; status: StepStatus; summary?: string | null; elapsed_ms?: number | null };

export type AskBody = Schemas["AskRequest"];

export type RunStatus = "queued" | "running" | "waiting" | "succeeded" | "failed" | "cancelled" | "dead";
export type Run = Schemas["RunDto"];
export type RunStep = Schemas["StepDto"];
export type RunDetail = Schemas["RunDetailDto"];
export type RunAttempt = Schemas["AttemptDto"];
export type RunWait = Schemas["WaitDto"];
export type RunLog = Schemas["LogDto"];
export type BulkAction = "retry" | "cancel" | "discard";
export type BulkFilter = Partial<Schemas["BulkFilter"]>;
export type BulkPreview = Schemas["BulkPreviewDto"];
export type BulkChanged = Schemas["BulkChangedDto"];

export type Queue = Schemas["QueueDto"];
export type Worker = Schemas["WorkerDto"];
export type LimitsBody = Schemas["LimitsRequest"];

export type Schedule = Schemas["ScheduleDto"];
export type ScheduleBody = Schemas["ScheduleRequest"];
export type Tick = Schemas["TickDto"];

export type Approval = Schemas["ApprovalDto"];
export type ApprovalDetail = Schemas["ApprovalDetailDto"];
export type Budget = Schemas["BudgetDto"];
export type BudgetAlert = Schemas["SpendingAlertDto"];
export type Billing = Schemas["SummaryDto"];
export type Share = Schemas["ShareDto"];
export type Delegation = Schemas["DelegationDto"];
export type Ruleset = Schemas["RulesetDto"];
export type DryRun = Schemas["DryRunDto"];

export type Connection = Schemas["ConnectionDto"];
export type NewConnection = Schemas["NewConnectionRequest"];
export type CatalogColumn = Schemas["ColumnDto"];
export type CatalogTable = Schemas["TableDto"];
export type Document = Schemas["DocumentDto"];
export type PersonalColumn = Schemas["PiiColumn"];

export type Token = Schemas["List_TokenDto"]["items"][number];
export type NewToken = Schemas["NewTokenRequest"];
export type IssuedToken = Schemas["NewTokenDto"];
export type AuditRow = Schemas["AuditDto"];

export type Provider = Schemas["ProviderDto"];
export type NewProvider = Schemas["ProviderRequest"];
export type ModelPrice = Schemas["PriceDto"];
export type NewModelPrice = Schemas["PriceRequest"];
export type Prompt = Schemas["PromptDto"];
export type PromptVersion = Schemas["PromptVersionDto"];
export type PromptMove = Schemas["PromptMoveDto"];
