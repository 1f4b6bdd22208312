// Decides what a visitor sees: the page being prepared, the sign-in, a server that cannot be reached, or the shell.
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { whenSignedOut } from "../api/client";
import { adopt, sessionQuery } from "../api/session";
import { Failure, Loading } from "../ui/States";
import { SessionContext } from "./session-context";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";

export function Root() {
  const query = useQuery(sessionQuery);
  useEffect(() => whenSignedOut(() => adopt(null)), []);
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
