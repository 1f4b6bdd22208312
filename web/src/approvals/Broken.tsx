// Breaking the glass: one person gives an approval alone, says why, and somebody else looks at that later.
import { useState, type FormEvent } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, expect } from "../api/client";
import { unreviewedQuery } from "../api/queries";
import type { ApprovalDetail } from "../api/types";
import { useChange, WithWords } from "../runs/changes";
import { Moment } from "../ui/Bits";
import { Button } from "../ui/Button";
import { AreaField } from "../ui/Field";
import { Icon } from "../ui/Icon";
import { Failure } from "../ui/States";
import { titleOf } from "./words";

const MAX_REASON = 500;

/** The way past the others, for an emergency. */
export function BreakGlass({ approval }: { approval: ApprovalDetail }) {
  return (
    <WithWords
      shown={approval.may_break} button="Break the glass" icon="warning" title="Give it alone?" verb="Give it alone" keep="Not now"
      label="Why it cannot wait (at least 10 characters)" needed limit={MAX_REASON} failed="It was not given"
      text="It is done without the others. Your name and reason stand in the audit log, and somebody else says later whether it was right."
      call={(reason) => expect(api.POST("/api/v1/approvals/{id}/break-glass", { params: { path: { id: approval.id } }, body: { reason } }))}
    />
  );
}

/** That it was given alone, and what was thought of it afterwards. */
export function Broken({ approval }: { approval: ApprovalDetail }) {
  const { broken } = approval;
  if (!broken) return null;
  return (
    <div className="notice notice-warn"><Icon name="warning" /><div className="notice-body">
      <p className="notice-title">{broken.by} gave this alone</p>
      <p><Moment at={broken.at} />: {broken.reason}</p>
      {broken.review
        ? <p>{broken.review.by} {broken.review.justified ? "found that right" : "did not find that right"} <Moment at={broken.review.at} />: {broken.review.words}</p>
        : <p>{approval.may_review ? "Was that right?" : "Somebody else has to say whether that was right."}</p>}
      {approval.may_review ? <Review approval={approval} /> : null}
    </div></div>
  );
}

function Review({ approval }: { approval: ApprovalDetail }) {
  const [words, setWords] = useState("");
  const [missing, setMissing] = useState(false);
  const change = useChange((justified: boolean) => expect(api.POST("/api/v1/approvals/{id}/review", { params: { path: { id: approval.id } }, body: { justified, words: words.trim() } })), () => setWords(""));
  const say = (justified: boolean): void => {
    setMissing(words.trim() === "");
    if (words.trim() !== "") change.mutate(justified);
  };
  return (
    <form className="review" onSubmit={(event: FormEvent) => event.preventDefault()} noValidate>
      <AreaField label="Why" value={words} maxLength={MAX_REASON} error={missing ? "Say why; others will read it." : null} onChange={(event) => setWords(event.target.value)} />
      {change.isError ? <Failure error={change.error} what="This was not kept" lost="Your words are still here." change /> : null}
      <div className="decide">
        <Button icon="cross" busy={change.isPending} onClick={() => say(false)}>It was not</Button>
        <Button icon="check" busy={change.isPending} onClick={() => say(true)}>It was right</Button>
      </div>
    </form>
  );
}

/** Those that nobody has looked at yet, before what waits for a decision. */
export function Unreviewed() {
  const items = useQuery(unreviewedQuery).data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <section className="notice notice-warn" aria-labelledby="unreviewed"><Icon name="warning" /><div className="notice-body">
      <h2 id="unreviewed" className="notice-title">Given alone: was that right?</h2>
      <ul className="plain-list">
        {items.map((one) => (
          <li key={one.id}><Link className="link" to="/approvals/$approvalId" params={{ approvalId: one.id }}>{titleOf(one)}</Link> <span className="quiet">by {one.broken.by}, <Moment at={one.broken.at} />: {one.broken.reason}</span></li>
        ))}
      </ul>
    </div></section>
  );
}
