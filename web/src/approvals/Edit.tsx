// Approving with changes: another statement in the place of the one that was asked for, and what differs between the two.
import { diffWordsWithSpace } from "diff";
import { useMemo, useState, type FormEvent } from "react";
import { api, expect } from "../api/client";
import type { ApprovalDetail } from "../api/types";
import { useKeys } from "../lib/keys";
import { useChange } from "../runs/changes";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { AreaField } from "../ui/Field";
import { Failure } from "../ui/States";

const MAX_COMMENT = 2_000;

type EditProps = { approval: ApprovalDetail; sql: string };

export function Edit({ approval, sql }: EditProps) {
  const [open, setOpen] = useState(false);
  useKeys(useMemo(() => [{ keys: "e", run: () => setOpen(true) }], []));
  return (
    <>
      <Button icon="edit" hint="E" onClick={() => setOpen(true)}>Change</Button>
      <Dialog open={open} onClose={() => setOpen(false)} title="Approve something else?"><EditForm approval={approval} sql={sql} onClose={() => setOpen(false)} /></Dialog>
    </>
  );
}

function EditForm({ approval, sql, onClose }: EditProps & { onClose: () => void }) {
  const [text, setText] = useState(sql);
  const [comment, setComment] = useState("");
  const body = { payload_hash: approval.payload_hash, sql: text.trim(), ...(comment.trim() ? { comment: comment.trim() } : {}) };
  const change = useChange(() => expect(api.POST("/api/v1/approvals/{id}/approve", { params: { path: { id: approval.id } }, body })), onClose);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <form className="dialog-form" onSubmit={submit} noValidate>
      <p className="quiet">This statement runs instead, in the name of {approval.requested_by} and with their rights. It has a hash of its own: what others have agreed to so far does not count for it.</p>
      <AreaField label="SQL" value={text} rows={8} className="input mono" spellCheck={false} onChange={(event) => setText(event.target.value)} />
      {text.trim() === sql ? null : <Changed before={sql} after={text.trim()} />}
      <AreaField label="Comment (may stay empty)" value={comment} maxLength={MAX_COMMENT} onChange={(event) => setComment(event.target.value)} />
      {change.isError ? <Failure error={change.error} what="The approval was not taken" lost="Your text is still here." change /> : null}
      <div className="dialog-foot dialog-foot-two">
        <Button onClick={onClose}>Not now</Button>
        <Button type="submit" look="primary" busy={change.isPending} disabled={text.trim() === ""}>Approve this</Button>
      </div>
    </form>
  );
}

/** Two statements in one: what is gone is struck through, what is new is marked. */
export function Changed({ before, after }: { before: string; after: string }) {
  return (
    <pre className="difference difference-words" tabIndex={0} aria-label="What has changed">
      {diffWordsWithSpace(before, after).map((part, at) => {
        if (part.removed) return <del key={at}>{part.value}</del>;
        if (part.added) return <ins key={at}>{part.value}</ins>;
        return <span key={at}>{part.value}</span>;
      })}
    </pre>
  );
}
