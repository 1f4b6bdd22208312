// Whether an answer was good. One press says so; of a bad one, a word on what was wrong helps whoever reviews it.
import { useMutation } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, expect } from "../api/client";
import { asProblem } from "../api/problem";
import { useSession } from "../shell/session-context";
import { Button } from "../ui/Button";

type Mark = { good: boolean; comment?: string };

export function Feedback({ runId }: { runId: string }) {
  const { tenant, subject } = useSession();
  const [given, setGiven] = useState<boolean | null>(null);
  const [comment, setComment] = useState("");
  const give = useMutation({
    mutationFn: ({ good, comment }: Mark) => expect(api.POST("/api/v1/feedback", {
      body: {
        tenant_id: tenant, user_id: subject, artifact_id: runId, artifact_version: 1, artifact_type: "query",
        feedback_type: good ? "positive" : "negative", channel: "web", ...(comment ? { comment } : {}),
      },
    })),
    onSuccess: (_, { good }) => setGiven(good),
  });
  const send = (event: FormEvent): void => {
    event.preventDefault();
    give.mutate({ good: false, comment: comment.trim() });
  };
  if (give.isSuccess && (given || give.variables.comment !== undefined)) return <span className="quiet" role="status">Thank you.</span>;
  return (
    <>
      <Button look="quiet" icon="good" disabled={give.isPending} title="This answer is right" onClick={() => give.mutate({ good: true })} aria-label="This answer is right" />
      <Button look="quiet" icon="bad" disabled={give.isPending} aria-expanded={given === false} title="This answer is wrong" onClick={() => setGiven(false)} aria-label="This answer is wrong" />
      {given === false ? (
        <form className="feedback" onSubmit={send}>
          <label className="sr-only" htmlFor={`wrong-${runId}`}>What is wrong?</label>
          <input id={`wrong-${runId}`} className="input" autoFocus placeholder="What is wrong?" maxLength={1000} value={comment} onChange={(event) => setComment(event.currentTarget.value)} />
          <Button type="submit" busy={give.isPending}>Send</Button>
        </form>
      ) : null}
      {give.isError ? <span className="quiet" role="alert">{asProblem(give.error).message}</span> : null}
    </>
  );
}
