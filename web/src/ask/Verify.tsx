// Vouching for an answer: from then on its question is read like that, also with other periods and values.
import { useMutation, useQuery } from "@tanstack/react-query";
import { api, expect } from "../api/client";
import { asProblem } from "../api/problem";
import { connectionsQuery, queryClient } from "../api/queries";
import { atLeast, useSession } from "../shell/session-context";
import { Button } from "../ui/Button";

type Props = { runId: string; connectionId: string; done: boolean };

export function Verify({ runId, connectionId, done }: Props) {
  const session = useSession();
  const connections = useQuery(connectionsQuery);
  // What the sample's data means cannot be changed, so nobody can vouch for it.
  const sample = connections.data?.find((connection) => connection.id === connectionId)?.read_only_sample ?? true;
  const verify = useMutation({
    mutationFn: () => expect(api.POST("/api/v1/runs/{id}/verify", { params: { path: { id: runId } } })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ["connections"] }),
  });
  if (done || sample || !atLeast(session, "operator")) return null;
  if (verify.isSuccess) return <span className="quiet" role="status">Verified: this question is read like this from now on.</span>;
  return (
    <>
      <Button look="quiet" icon="check" busy={verify.isPending} title="Vouch for how this question was understood" onClick={() => verify.mutate()}>Verify</Button>
      {verify.isError ? <span className="quiet" role="alert">{asProblem(verify.error).message}</span> : null}
    </>
  );
}
