// A query that waits for somebody: why, what it is expected to take and how sure that is, and what exactly would run.
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Cost, Waiting } from "../api/types";
import { formatBytes, formatCount, formatDuration, formatUsd } from "../lib/format";
import { ALT, useKeys } from "../lib/keys";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";
import { type Change } from "./Chips";
import { SqlPanel } from "./Sql";
import { Understood } from "./Understood";

type Props = { waiting: Waiting; question: string; title: string; latest: boolean; runId: string; onRun: () => void; onEdit: () => void; onChange: Change };

export function WaitingView({ waiting, question, title, latest, runId, onRun, onEdit, onChange }: Props) {
  const mine = waiting.waits_for === "asker";
  const bindings = useMemo(() => (mine && latest ? [{ keys: "alt+Enter", run: onRun }] : []), [mine, latest, onRun]);
  useKeys(bindings);
  return (
    <section className="waiting" aria-label={title}>
      <p className="sentence"><Icon name={mine ? "clock" : "people"} size={20} /> {title}</p>
      {mine ? null : <ul className="reasons">{waiting.reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul>}
      <Takes cost={waiting.cost} />
      <p className="hint">{mine ? "Nothing was run yet. With less time or fewer groups it costs less." : "Nothing was run yet. It goes on by itself, exactly as it stands here, once somebody who may approve it has agreed."}</p>
      <div className="row">
        {mine ? <Button look="primary" hint={`${ALT} ↵`} disabled={!latest} onClick={onRun}>Run it</Button> : null}
        <Button onClick={onEdit}>Change the question</Button>
        {waiting.approval_id ? <Link className="link" to="/approvals/$approvalId" params={{ approvalId: waiting.approval_id }}>See the approval</Link> : null}
        <Link className="link" to="/runs/$runId" params={{ runId }}>See the run</Link>
      </div>
      <Understood understanding={waiting.understanding} question={question} said={title} onChange={onChange} />
      <SqlPanel sql={waiting.sql} />
    </section>
  );
}

function Takes({ cost }: { cost: Cost }) {
  const bound = cost.basis === "footers" || cost.basis === "files" ? "at most " : "about ";
  const { estimated_rows: rows, estimated_bytes: bytes, estimated_ms: ms, estimated_usd: usd } = cost;
  return (
    <dl className="takes">
      <div><dt>Reads</dt><dd>{typeof bytes === "number" ? `${bound}${formatBytes(bytes)}` : "unknown"}{typeof rows === "number" ? <span className="takes-more">{formatCount(rows, "row")}</span> : null}</dd></div>
      <div><dt>Takes</dt><dd>{typeof ms === "number" ? `about ${formatDuration(ms)}` : "unknown"}{typeof ms === "number" ? null : <span className="takes-more">nothing like it has run often enough</span>}</dd></div>
      <div><dt>Costs</dt><dd>{usd === null ? "unknown" : formatUsd(usd)}</dd></div>
      <div><dt>Confidence</dt><dd>{cost.confidence ?? "low"}<span className="takes-more">{BASIS[cost.basis ?? "nothing"]}</span></dd></div>
    </dl>
  );
}

const BASIS: Record<NonNullable<Cost["basis"]>, string> = {
  kept: "the result is there already",
  footers: "the files say so themselves",
  files: "by the sizes of whole files",
  planner: "the database's own guess",
  nothing: "nothing is known of it",
};
