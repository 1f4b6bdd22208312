// A change of many runs: what it would change, as the server counts it; then how far it is; then what it did.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState, type FormEvent } from "react";
import type { BulkAction, BulkPreview } from "../api/types";
import { formatCount, formatNumber } from "../lib/format";
import { Button } from "../ui/Button";
import { AreaField } from "../ui/Field";
import { Query } from "../ui/Query";
import { Failure, Note } from "../ui/States";
import { change, preview, type Done } from "./bulk";
import { RunStatusView } from "./status";
import { outcomeOf, VERBS, type Wish } from "./words";

const MAX_REASON = 500;
const SAMPLE_SHOWN = 5;
const EFFECTS: Record<BulkAction, string> = {
  retry: "Steps that are finished keep their results and are not run again; each run goes on with what is missing.",
  cancel: "Steps under way are stopped, and no further step begins. What is finished stays in the record.",
  discard: "They leave the dead letters and can no longer be retried. Their history stays, with your name and reason.",
};

type Phase = { name: "asking" } | { name: "working" | "done" | "failed"; done: Done; error?: unknown };

export function BulkDialog({ wish, onClose }: { wish: Wish; onClose: (changed: boolean) => void }) {
  const client = useQueryClient();
  const look = useQuery({ queryKey: ["bulk", wish], queryFn: () => preview(wish), gcTime: 0, retry: false, refetchOnWindowFocus: false, staleTime: Number.POSITIVE_INFINITY });
  const [phase, setPhase] = useState<Phase>({ name: "asking" });
  const controller = useRef<AbortController | null>(null);
  useEffect(() => () => controller.current?.abort(), []);
  const start = (asOf: string, reason: string): void => {
    let done: Done = { changed: 0, skipped: 0 };
    const stop = new AbortController();
    controller.current = stop;
    setPhase({ name: "working", done });
    change(wish, asOf, reason, (part) => { done = part; setPhase({ name: "working", done }); }, stop.signal)
      .then(() => setPhase({ name: "done", done }), (error: unknown) => setPhase({ name: "failed", done, error }))
      .finally(() => { void client.invalidateQueries({ queryKey: ["runs"] }); void client.invalidateQueries({ queryKey: ["queues"] }); });
  };
  if (phase.name === "asking") {
    return (
      <div className="bulk-dialog">
        <Query query={look} what="which runs are meant" rows={3}>
          {(found) => found.matched === 0
            ? <><p>No run is left that this could be done to.</p><div className="dialog-foot"><Button onClick={() => onClose(true)}>Close</Button></div></>
            : <Ask action={wish.action} found={found} onClose={() => onClose(false)} onStart={(reason) => start(found.as_of, reason)} />}
        </Query>
      </div>
    );
  }
  return (
    <div className="bulk-dialog" aria-live="polite">
      {phase.name === "working" ? <p><span className="spinner spinner-inline" aria-hidden="true" /> {formatNumber(phase.done.changed)} of {look.data ? total(look.data) : "…"} {VERBS[wish.action].done} so far.</p> : null}
      {phase.name === "done" ? <Note tone="good" icon="check"><p>{outcomeOf(wish.action, phase.done)}</p></Note> : null}
      {phase.name === "failed" ? <Failure error={phase.error} what={`Not all runs were ${VERBS[wish.action].done}`} lost={`Before that: ${outcomeOf(wish.action, phase.done)}`} change /> : null}
      <div className="dialog-foot">
        {phase.name === "working"
          ? <Button icon="stop" onClick={() => controller.current?.abort()}>Stop after this part</Button>
          : <Button look="primary" onClick={() => onClose(true)}>Close</Button>}
      </div>
    </div>
  );
}

const total = (found: BulkPreview): string => `${found.capped ? "at least " : ""}${formatNumber(found.matched)}`;

function Ask({ action, found, onClose, onStart }: { action: BulkAction; found: BulkPreview; onClose: () => void; onStart: (reason: string) => void }) {
  const [reason, setReason] = useState("");
  const [missing, setMissing] = useState(false);
  const needed = action === "discard";
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setMissing(needed && reason.trim() === "");
    if (!needed || reason.trim() !== "") onStart(reason.trim());
  };
  return (
    <form className="bulk-form" onSubmit={submit} noValidate>
      <p className="bulk-total">{found.capped ? "At least " : ""}{formatCount(found.matched, "run")} {VERBS[action].will}.</p>
      <p className="quiet">{EFFECTS[action]} Runs that join them after this look are left alone.</p>
      <Breakdown title="By error" counts={found.by_error} />
      {Object.keys(found.by_kind).length > 1 ? <Breakdown title="By kind" counts={found.by_kind} /> : null}
      <div>
        <p className="label">{found.sample.length < found.matched ? "The newest of them" : "These"}</p>
        <ul className="bulk-sample">
          {found.sample.slice(0, SAMPLE_SHOWN).map((run) => <li key={run.id}><span className="ellipsis">{run.title || run.kind}</span><RunStatusView status={run.status} /></li>)}
          {found.matched > SAMPLE_SHOWN ? <li className="quiet">and {formatNumber(found.matched - Math.min(SAMPLE_SHOWN, found.sample.length))} more</li> : null}
        </ul>
      </div>
      {needed ? <AreaField label="Reason" value={reason} maxLength={MAX_REASON} error={missing ? "Give a reason; others will read it." : null} onChange={(event) => setReason(event.target.value)} /> : null}
      <div className="dialog-foot dialog-foot-two">
        <Button onClick={onClose}>Leave them</Button>
        <Button type="submit" look={action === "retry" ? "primary" : "danger"}>{`${VERBS[action].verb} ${formatCount(found.matched, "run")}`}</Button>
      </div>
    </form>
  );
}

function Breakdown({ title, counts }: { title: string; counts: Record<string, number> }) {
  const rows = Object.entries(counts).toSorted(([, a], [, b]) => b - a);
  if (rows.length === 0) return null;
  return (
    <div>
      <p className="label">{title}</p>
      <dl className="bulk-counts">{rows.map(([name, count]) => <div key={name}><dt><code>{name}</code></dt><dd>{formatNumber(count)}</dd></div>)}</dl>
    </div>
  );
}
