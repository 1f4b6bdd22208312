// Vouching for an answer: from then on its question is read like that, also with other periods and values.
import { useMutation } from "@tanstack/react-query";
import { api, expect } from "../api/client";
import { asProblem } from "../api/problem";
import { queryClient } from "../api/queries";
import { atLeast, useSession } from "../shell/session-context";
import { Button } from "../ui/Button";

export function Verify({ runId, done }: { runId: string; done: boolean }) {
  const session = useSession();
  const verify = useMutation({
    mutationFn: () => expect(api.POST("/api/v1/runs/{id}/verify", { params: { path: { id: runId } } })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ["connections"] }),
  });
  if (done || !atLeast(session, "operator")) return null;
  if (verify.isSuccess) return <span className="quiet" role="status">Verified: this question is read like this from now on.</span>;
  return (
    <>
      <Button look="quiet" icon="check" busy={verify.isPending} title="Vouch for how this question was understood" onClick={() => verify.mutate()}>Verify</Button>
      {verify.isError ? <span className="quiet" role="alert">{asProblem(verify.error).message}</span> : null}
    </>
  );
}
