// Who decides for somebody else, and until when.
import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, expect } from "../api/client";
import { delegationsQuery } from "../api/queries";
import type { Delegation } from "../api/types";
import { Asked, useChange } from "../runs/changes";
import { useSession } from "../shell/session-context";
import { Moment } from "../ui/Bits";
import { Button } from "../ui/Button";
import { TextField } from "../ui/Field";
import { Query } from "../ui/Query";
import { Empty, Failure } from "../ui/States";

const DAY_MS = 86_400_000;
const MAX_DAYS = 90;

export function Delegations() {
  const query = useQuery(delegationsQuery);
  return (
    <>
      <Query query={query} what="who stands in for whom" rows={3}>{({ items }) => <List items={items} />}</Query>
      <HandOver />
    </>
  );
}

function List({ items }: { items: Delegation[] }) {
  const session = useSession();
  if (items.length === 0) return <Empty icon="people" title="Nobody stands in for anybody"><p>Before you are away, hand your decisions over: they come back by themselves.</p></Empty>;
  return (
    <ul className="votes">
      {items.map((one) => (
        <li key={one.id}>
          <span><strong>{one.to === session.subject ? "You decide" : `${one.to} decides`}</strong> for {one.from === session.subject ? "you" : one.from} until <Moment at={one.ends_at} />: {one.reason}</span>
          <Asked
            button="End it" icon="cross" title="End it now?" verb="End it" keep="Keep it" failed="It was not ended"
            text={`${one.to} decides for ${one.from} no longer. What was decided stays.`}
            call={() => expect(api.DELETE("/api/v1/approvals/delegations/{id}", { params: { path: { id: one.id } } }))}
          />
        </li>
      ))}
    </ul>
  );
}

/** The end of the day that lies so many days ahead, as a date field has it. */
const inDays = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);

function HandOver() {
  const [to, setTo] = useState("");
  const [until, setUntil] = useState(inDays(7));
  const [reason, setReason] = useState("");
  const body = { to: to.trim(), ends_at: new Date(`${until}T23:59:59`).toISOString(), reason: reason.trim() };
  const change = useChange(() => expect(api.POST("/api/v1/approvals/delegations", { body })), () => { setTo(""); setReason(""); });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    change.mutate();
  };
  const ready = to.trim() !== "" && reason.trim() !== "" && until !== "";
  return (
    <form className="section hand-over" onSubmit={submit} noValidate>
      <h2>Hand your decisions over</h2>
      <div className="field-row">
        <TextField label="To whom" value={to} placeholder="bob" onChange={(event) => setTo(event.target.value)} />
        <TextField label="Until the end of" type="date" value={until} min={inDays(0)} max={inDays(MAX_DAYS - 1)} onChange={(event) => setUntil(event.target.value)} />
        <TextField label="Why" value={reason} placeholder="On leave" onChange={(event) => setReason(event.target.value)} />
      </div>
      {change.isError ? <Failure error={change.error} what="Nothing was handed over" lost="Your words are still here." change /> : null}
      <div><Button type="submit" look="primary" disabled={!ready} busy={change.isPending}>Hand over</Button></div>
    </form>
  );
}
