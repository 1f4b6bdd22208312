// Why a run failed, as far as can be told: the cause, what to do, and what has mended such a failure before.
import { useQuery } from "@tanstack/react-query";
import { api, expect } from "../api/client";
import { failureQuery } from "../api/queries";
import type { RunDetail } from "../api/types";
import { between } from "../lib/time";
import { atLeast, useSession } from "../shell/session-context";
import { WithWords } from "./changes";
import { causeOf, sureOf } from "./words";

const MAX_FIX = 500;
/** How long after its end a run may not have been looked at yet. */
const SOON_MS = 60_000;

export function WhyFailed({ run }: { run: RunDetail }) {
  const session = useSession();
  const failed = run.status === "failed" || run.status === "dead";
  const ago = between(run.finished_at, new Date().toISOString());
  const failure = useQuery({ ...failureQuery(run.id, ago !== null && ago < SOON_MS), enabled: failed }).data;
  if (!failed || !failure) return null;
  const { metadata } = failure;
  return (
    <section className="section why-failed" aria-labelledby="why">
      <h2 id="why">Why it failed</h2>
      <p><strong>{causeOf(metadata.cause)}</strong> <span className="quiet">({sureOf(metadata.confidence)}, {metadata.recurrence_risk} risk that it happens again)</span></p>
      <p>{metadata.human_summary}</p>
      <p>{metadata.recommended_action}</p>
      {metadata.fixed_by ? <p className="quiet">It was fixed by: {metadata.fixed_by}</p> : null}
      {!metadata.fixed_by && atLeast(session, "member") ? (
        <WithWords
          button="It is fixed" icon="check" title="What fixed it?" verb="Note it" keep="Not now" mild
          label="What fixed it" needed limit={MAX_FIX} failed="It was not noted"
          text="Whoever meets a failure like this one is told."
          call={(fixedBy) => expect(api.PUT("/api/v1/triage/{id}/fixed", { params: { path: { id: failure.id } }, body: { fixed_by: fixedBy } }))}
        />
      ) : null}
    </section>
  );
}
