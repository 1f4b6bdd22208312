// The signed-in session, for everything inside the shell. Outside of it there is none, and asking is a mistake.
import { createContext, useContext } from "react";
import type { Role, Session } from "../api/types";

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("This part of the page needs a session.");
  return session;
}

const ORDER: readonly string[] = ["viewer", "member", "operator", "admin"];

/** A role that the page does not know may do nothing. */
export const atLeast = (session: Pick<Session, "role">, role: Role): boolean => ORDER.indexOf(session.role) >= ORDER.indexOf(role);
