// Which route takes and gives what, in the form openapi-typescript generates. `npm run api` writes the same thing from
// the server's document into schema.d.ts; client.ts imports one or the other, and nothing else knows which.
import type {
  AuditRow, CatalogTable, Connection, IssuedToken, NewConnection, NewToken, Page, ProblemBody, Run, RunDetail, Semantic,
  Session, Tenant, Token,
} from "./types";

type Json<T> = { content: { "application/json": T } };
type Failure = { default: { content: { "application/problem+json": ProblemBody } } };
type Call<R, B = never, Q = never, P = never> = {
  parameters: { query?: Q; header?: never; cookie?: never } & ([P] extends [never] ? { path?: never } : { path: P });
  responses: { 200: Json<R> } & Failure;
} & ([B] extends [never] ? { requestBody?: never } : { requestBody: Json<B> });
type Id = { id: string };
type Paging = { limit?: number; cursor?: string };

export interface paths {
  "/api/v1/session": {
    get: Call<Session>;
    post: Call<Session, { token: string } | { development: true }>;
    delete: Call<undefined>;
  };
  "/api/v1/session/tenant": { post: Call<Session, { tenant: string }> };
  "/api/v1/runs": { get: Call<Page<Run>, never, Paging & { status?: string }> };
  "/api/v1/runs/{id}": { get: Call<RunDetail, never, never, Id> };
  "/api/v1/runs/{id}/cancel": { post: Call<Run, never, never, Id> };
  "/api/v1/connections": { get: Call<{ items: Connection[] }>; post: Call<Connection, NewConnection> };
  "/api/v1/connections/{id}": { delete: Call<undefined, never, never, Id> };
  "/api/v1/connections/{id}/refresh": { post: Call<Connection, never, never, Id> };
  "/api/v1/connections/{id}/catalog": { get: Call<{ tables: CatalogTable[] }, never, never, Id> };
  "/api/v1/connections/{id}/semantic": {
    get: Call<Semantic, never, never, Id>;
    put: Call<Semantic, { yaml: string }, never, Id>;
  };
  "/api/v1/tenants": { get: Call<{ items: Tenant[] }>; post: Call<Tenant, { id: string; name: string }> };
  "/api/v1/tokens": { get: Call<{ items: Token[] }>; post: Call<IssuedToken, NewToken> };
  "/api/v1/tokens/{id}": { delete: Call<undefined, never, never, Id> };
  "/api/v1/audit": { get: Call<Page<AuditRow>, never, Paging> };
}
