// Refreshing a connection's catalog, and removing the connection. The sample can be read only.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, expect } from "../api/client";
import { asProblem } from "../api/problem";
import type { Connection } from "../api/types";
import { atLeast, useSession } from "../shell/session-context";
import { Button } from "../ui/Button";
import { Confirm } from "../ui/Dialog";
import { Failure } from "../ui/States";

export function ConnectionActions({ connection }: { connection: Connection }) {
  const session = useSession();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const target = { params: { path: { id: connection.id } } };
  const reread = () => client.invalidateQueries({ queryKey: ["connections"] });
  const refresh = useMutation({ mutationFn: () => expect(api.POST("/api/v1/connections/{id}/refresh", target)), onSettled: reread });
  const remove = useMutation({
    mutationFn: () => expect(api.DELETE("/api/v1/connections/{id}", target)),
    onSuccess: async () => {
      setAsking(false);
      await navigate({ to: "/data" });
      await reread();
    },
  });
  if (!atLeast(session, "operator")) return null;
  return (
    <>
      {refresh.isError ? <span className="field-error" role="alert">{asProblem(refresh.error).message}</span> : null}
      <Button icon="refresh" busy={refresh.isPending} onClick={() => refresh.mutate()}>Refresh</Button>
      {connection.read_only_sample ? null : <Button icon="trash" onClick={() => setAsking(true)}>Remove</Button>}
      <Confirm open={asking} onClose={() => setAsking(false)} title={`Remove ${connection.name}?`} verb="Remove" busy={remove.isPending} onConfirm={() => remove.mutate()}>
        <p>Pilothouse forgets how to reach this data and what its columns mean. The data itself is not touched, and past answers stay in Runs.</p>
        {remove.isError ? <Failure error={remove.error} what="The connection was not removed" /> : null}
      </Confirm>
    </>
  );
}
