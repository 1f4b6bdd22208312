// Who is signed in. In development mode the page signs itself in, unless the person has just signed out on purpose.
import { queryOptions } from "@tanstack/react-query";
import { api, expect, rememberCsrf } from "./client";
import { asProblem } from "./problem";
import { queryClient } from "./queries";
import type { Session } from "./types";

const SIGNED_OUT_KEY = "ph.signedOut";

function keep(session: Session): Session {
  rememberCsrf(session.csrf_token);
  sessionStorage.removeItem(SIGNED_OUT_KEY);
  return session;
}

async function load(): Promise<Session | null> {
  try {
    return keep(await expect(api.GET("/api/v1/session")));
  } catch (error) {
    if (asProblem(error).status !== 401) throw error;
  }
  return wasSignedOut() ? null : signInForDevelopment();
}

/** The person signed out on purpose, so the page did not try to sign itself in. */
export const wasSignedOut = (): boolean => sessionStorage.getItem(SIGNED_OUT_KEY) !== null;

/** Null in production, where the server refuses to hand out a session for nothing. */
export async function signInForDevelopment(): Promise<Session | null> {
  try {
    return keep(await expect(api.POST("/api/v1/session", { body: { development: true } })));
  } catch (error) {
    const { status } = asProblem(error);
    if (status === 401 || status === 403) return null;
    throw error;
  }
}

export const sessionQuery = queryOptions({ queryKey: ["session"], queryFn: load, staleTime: Number.POSITIVE_INFINITY });

export async function signIn(token: string): Promise<void> {
  adopt(keep(await expect(api.POST("/api/v1/session", { body: { token } }))));
}

export async function switchTenant(tenant: string): Promise<void> {
  adopt(keep(await expect(api.POST("/api/v1/session/tenant", { body: { tenant } }))));
}

export async function signOut(): Promise<void> {
  await expect(api.DELETE("/api/v1/session"));
  sessionStorage.setItem(SIGNED_OUT_KEY, "1");
  rememberCsrf(null);
  adopt(null);
}

/** Puts a session in place and forgets everything that was read under the one before. */
export function adopt(session: Session | null): void {
  queryClient.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
  queryClient.setQueryData(sessionQuery.queryKey, session);
}
