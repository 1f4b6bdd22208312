// Decides what a visitor sees: the page being prepared, the sign-in, a server that cannot be reached, or the shell.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useLayoutEffect } from "react";
import { whenSignedOut } from "../api/client";
import { adopt, sessionQuery } from "../api/session";
import type { Session } from "../api/types";
import { startOver } from "../ask/conversation";
import { Failure, Loading } from "../ui/States";
import { SessionContext } from "./session-context";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";

let owner: string | null = null;

/** A conversation belongs to one person in one tenant; it outlives a lapsed session, but nobody else sees it. */
function useNewcomer(session: Session | null | undefined): void {
  const identity = session ? `${session.tenant}/${session.subject}` : null;
  useLayoutEffect(() => {
    if (identity === null) return;
    if (owner !== null && owner !== identity) startOver();
    owner = identity;
  }, [identity]);
}

export function Root() {
  const query = useQuery(sessionQuery);
  useEffect(() => whenSignedOut(() => adopt(null)), []);
  useNewcomer(query.data);
  if (query.data === undefined) {
    return (
      <main className="alone">
        <h1 className="sr-only">Pilothouse</h1>
        {query.isError
          ? <Failure error={query.error} what="Pilothouse could not be opened" onRetry={() => void query.refetch()} />
          : <Loading what="Signing in" rows={3} shape="text" />}
      </main>
    );
  }
  if (query.data === null) return <SignIn />;
  return <SessionContext value={query.data}><Shell key={query.data.tenant} /></SessionContext>;
}
