// What the page reads from the server and under which key it is kept. Every key starts with its resource, so that a
// change invalidates exactly what it touched.
import { infiniteQueryOptions, keepPreviousData, QueryClient, queryOptions } from "@tanstack/react-query";
import { api, expect } from "./client";
import { asProblem, Problem } from "./problem";
import type { Run, RunStatus } from "./types";

const PAGE_SIZE = 50;
const FEW = 10;
const ACTIVE_POLL_MS = 2_000;
const IDLE_POLL_MS = 5_000;
const FOLLOWED_POLL_MS = 15_000;
const INBOX_POLL_MS = 5_000;
const MAX_RETRIES = 2;
const ACTIVE: ReadonlySet<string> = new Set<RunStatus>(["queued", "running", "waiting"]);

export const isActive = (status: string): boolean => ACTIVE.has(status);

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // Only what may mend itself is tried again: an unreachable or overloaded server, never a refusal.
      retry: (count, error) => {
        const problem = asProblem(error);
        return count < MAX_RETRIES && (problem.unreachable || problem.status >= 500);
      },
    },
  },
});

const path = (id: string) => ({ params: { path: { id } } });

/** Which runs a list shows; what is left out narrows nothing. */
export type RunFilter = { status?: string; queue?: string; kind?: string };

/** A list is live: what is at work changes soon, and others may start something at any time. */
const pace = (query: { state: { data?: { pages: { items: Pick<Run, "status">[] }[] } | undefined } }): number =>
  query.state.data?.pages.some((page) => page.items.some((run) => isActive(run.status))) ? ACTIVE_POLL_MS : IDLE_POLL_MS;

export const runsQuery = (filter: RunFilter) =>
  infiniteQueryOptions({
    queryKey: ["runs", "list", filter],
    queryFn: ({ pageParam }) =>
      expect(api.GET("/api/v1/runs", { params: { query: { limit: PAGE_SIZE, ...(pageParam ? { cursor: pageParam } : {}), ...filter } } })),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    refetchInterval: pace,
  });

/** `followed`: its events are being listened to, so that asking is only there for what they might miss. */
export const runQuery = (id: string, followed = false) =>
  queryOptions({
    queryKey: ["runs", "one", id],
    queryFn: () => expect(api.GET("/api/v1/runs/{id}", path(id))),
    refetchInterval: (query) => (query.state.data && isActive(query.state.data.status) ? (followed ? FOLLOWED_POLL_MS : ACTIVE_POLL_MS) : false),
  });

/** Why a run failed. It is looked at in the background, a few seconds after it has ended. */
export const failureQuery = (id: string, recent: boolean) =>
  queryOptions({
    queryKey: ["runs", "failure", id],
    queryFn: () => expect(api.GET("/api/v1/runs/{id}/failure", path(id))),
    refetchInterval: (query) => (query.state.data || !recent ? false : ACTIVE_POLL_MS),
  });

/** The newest lines that a run logged, oldest first. */
export const logsQuery = (id: string, step: string, level: string, limit: number) =>
  queryOptions({
    queryKey: ["runs", "logs", id, step, level, limit],
    queryFn: async () => (await expect(api.GET("/api/v1/runs/{id}/logs", { params: { path: { id }, query: { ...(step ? { step: Number(step) } : {}), level, limit } } }))).items,
  });

/** The approvals that the person has asked for or may decide, of one state. */
export const approvalsQuery = (state: string) =>
  infiniteQueryOptions({
    queryKey: ["approvals", "list", state],
    queryFn: ({ pageParam }) =>
      expect(api.GET("/api/v1/approvals", { params: { query: { limit: PAGE_SIZE, state, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    refetchInterval: INBOX_POLL_MS,
  });

export const approvalQuery = (id: string) =>
  queryOptions({
    queryKey: ["approvals", "one", id],
    queryFn: () => expect(api.GET("/api/v1/approvals/{id}", path(id))),
    refetchInterval: (query) => (["pending", "approved"].includes(query.state.data?.state ?? "") ? ACTIVE_POLL_MS : false),
  });

export const unreviewedQuery = queryOptions({ queryKey: ["approvals", "unreviewed"], queryFn: () => expect(api.GET("/api/v1/approvals/unreviewed")) });

export const delegationsQuery = queryOptions({ queryKey: ["approvals", "delegations"], queryFn: () => expect(api.GET("/api/v1/approvals/delegations")) });

export const rulesQuery = queryOptions({ queryKey: ["approvals", "rules"], queryFn: () => expect(api.GET("/api/v1/approvals/rules")) });

export const budgetsQuery = queryOptions({ queryKey: ["budgets", "limits"], queryFn: () => expect(api.GET("/api/v1/budgets")) });

export const billingQuery = queryOptions({ queryKey: ["budgets", "month"], queryFn: () => expect(api.GET("/api/v2/billing/summary")) });

export const budgetAlertsQuery = queryOptions({ queryKey: ["budgets", "alerts"], queryFn: () => expect(api.GET("/api/v1/budgets/alerts")) });

export const usageQuery = (by: string) => queryOptions({ queryKey: ["budgets", "usage", by], queryFn: () => expect(api.GET("/api/v1/usage", { params: { query: { by } } })) });

export const providersQuery = queryOptions({ queryKey: ["models", "providers"], queryFn: async () => (await expect(api.GET("/api/v1/ai/providers"))).items });

export const pricesQuery = queryOptions({ queryKey: ["models", "prices"], queryFn: () => expect(api.GET("/api/v1/ai/prices")) });

export const promptsQuery = queryOptions({ queryKey: ["models", "prompts"], queryFn: () => expect(api.GET("/api/v1/prompts")) });

export const promptQuery = (name: string) => queryOptions({ queryKey: ["models", "prompts", name], queryFn: () => expect(api.GET("/api/v1/prompts/{name}", { params: { path: { name } } })) });

export const queuesQuery = queryOptions({
  queryKey: ["queues"],
  queryFn: async () => (await expect(api.GET("/api/v1/queues"))).items,
  refetchInterval: IDLE_POLL_MS,
});

export const workersQuery = queryOptions({
  queryKey: ["workers"],
  queryFn: async () => (await expect(api.GET("/api/v1/workers"))).items,
  refetchInterval: IDLE_POLL_MS,
});

export const schedulesQuery = queryOptions({
  queryKey: ["schedules", "list"],
  queryFn: async () => (await expect(api.GET("/api/v1/schedules"))).items,
  refetchInterval: IDLE_POLL_MS,
});

export const scheduleQuery = (id: string) =>
  queryOptions({
    queryKey: ["schedules", "one", id],
    queryFn: () => expect(api.GET("/api/v1/schedules/{id}", path(id))),
    refetchInterval: IDLE_POLL_MS,
  });

/** `since` is what the ticks depend on: when the schedule moves on, they are read anew. */
export const ticksQuery = (id: string, since: string) =>
  queryOptions({
    queryKey: ["schedules", "ticks", id, since],
    queryFn: async () => (await expect(api.GET("/api/v1/schedules/{id}/ticks", path(id)))).items,
    placeholderData: keepPreviousData,
  });

export const scheduleRunsQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["runs", "of", id],
    queryFn: ({ pageParam }) =>
      expect(api.GET("/api/v1/schedules/{id}/runs", { params: { path: { id }, query: { limit: FEW, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    refetchInterval: pace,
  });

export const connectionsQuery = queryOptions({
  queryKey: ["connections", "list"],
  queryFn: async () => (await expect(api.GET("/api/v1/connections"))).items,
  refetchInterval: (query) => (query.state.data?.some((one) => one.status === "profiling") ? ACTIVE_POLL_MS : false),
});

export const catalogQuery = (id: string) =>
  queryOptions({
    queryKey: ["connections", "catalog", id],
    queryFn: async () => (await expect(api.GET("/api/v1/connections/{id}/catalog", path(id)))).tables,
    staleTime: 60_000,
  });

/** The columns of all of the tenant's connections that may hold personal data, the surer ones first. */
export const personalQuery = (tenant: string) =>
  queryOptions({
    queryKey: ["personal", tenant],
    queryFn: async () => {
      const found = await expect(api.GET("/api/v1/pii/review", { params: { query: { org_id: tenant } } }));
      return [...found.auto_tagged_high_confidence, ...found.needs_review_low_confidence];
    },
  });

/** What people write about a connection. */
export type DocumentKind = "semantic" | "policy";

export const documentQuery = (id: string, kind: DocumentKind) =>
  queryOptions({
    queryKey: ["connections", kind, id],
    queryFn: () => expect(api.GET(`/api/v1/connections/{id}/${kind}`, path(id))),
    // An editor is open on it: fresh text must never replace what a person is typing.
    staleTime: Number.POSITIVE_INFINITY,
  });

/** What corrections say about how questions are to be read, and nobody has decided yet. */
export const proposalsQuery = (id: string) =>
  queryOptions({
    queryKey: ["connections", "proposals", id],
    queryFn: async () => (await expect(api.GET("/api/v1/connections/{id}/proposals", path(id)))).items,
  });

export const documentVersionsQuery = (id: string, kind: DocumentKind) =>
  queryOptions({
    queryKey: ["connections", kind, id, "versions"],
    queryFn: () => expect(api.GET(`/api/v1/connections/{id}/${kind}/versions`, path(id))),
  });

export const documentVersionQuery = (id: string, kind: DocumentKind, version: number) =>
  queryOptions({
    queryKey: ["connections", kind, id, "versions", version],
    queryFn: () => expect(api.GET(`/api/v1/connections/{id}/${kind}/versions/{version}`, { params: { path: { id, version } } })),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const tenantsQuery = queryOptions({
  queryKey: ["tenants"],
  queryFn: async () => (await expect(api.GET("/api/v1/tenants"))).items,
});

export const tokensQuery = queryOptions({
  queryKey: ["tokens"],
  queryFn: async () => (await expect(api.GET("/api/v1/tokens"))).items,
});

export const auditQuery = infiniteQueryOptions({
  queryKey: ["audit"],
  queryFn: ({ pageParam }) =>
    expect(api.GET("/api/v1/audit", { params: { query: { limit: PAGE_SIZE, ...(pageParam ? { cursor: Number(pageParam) } : {}) } } })),
  initialPageParam: "",
  getNextPageParam: (last) => last.next_cursor ?? undefined,
});

export type QueryError = Problem;
