// What may be spent, how that stands, and who has spent the most: for everybody to see, and for admins to set.
import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, expect } from "../api/client";
import { billingQuery, budgetAlertsQuery, budgetsQuery, usageQuery } from "../api/queries";
import type { Billing, Budget, BudgetAlert, Share } from "../api/types";
import { formatCount, formatUsd } from "../lib/format";
import { useChange } from "../runs/changes";
import { atLeast, useSession } from "../shell/session-context";
import { Moment, Status, type Tone } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { Query } from "../ui/Query";
import { Failure } from "../ui/States";
import { alertText, amountOf, inUnit, latestAlerts, limitTitle, NANO_PER_USD, STATUSES, WINDOWS } from "./budgets";

export function BudgetsPanel() {
  const session = useSession();
  const budgets = useQuery(budgetsQuery);
  const billing = useQuery(billingQuery);
  return (
    <div>
      <Query query={billing} what="this month" rows={2}>{(month) => <Month month={month} />}</Query>
      <Query query={budgets} what="the limits" rows={5}>
        {({ items, time_zone: zone }) => (
          <section className="section" aria-labelledby="limits">
            <h2 id="limits">Limits</h2>
            <p className="hint">Days and months by the clocks of {zone}. What is under way counts with the most that it can take.</p>
            <Limits items={items} mayEdit={atLeast(session, "admin")} />
          </section>
        )}
      </Query>
      {atLeast(session, "operator") ? <><Alerts /><Top /></> : null}
    </div>
  );
}

function Month({ month }: { month: Billing }) {
  const tasks = Object.entries(month.ai_by_task);
  return (
    <dl className="takes">
      <div><dt>Spent in {month.month}</dt><dd>{formatUsd(String(month.spent_actual_usd))}</dd></div>
      <div><dt>Limit</dt><dd>{month.limit_usd === null ? "none" : formatUsd(String(month.limit_usd))}</dd></div>
      <div><dt>At this rate</dt><dd>{formatUsd(String(month.projected_spent_usd))}</dd></div>
      <div><dt>For models</dt><dd>{formatUsd(String(month.ai_spent_actual_usd))}{tasks.length > 0 ? <span className="quiet"> ({tasks.map(([task, usd]) => `${task} ${formatUsd(String(usd))}`).join(", ")})</span> : null}</dd></div>
    </dl>
  );
}

const TONES: Record<string, Tone> = { ok: "good", warning: "warn", exceeded: "bad" };

function Limits({ items, mayEdit }: { items: Budget[]; mayEdit: boolean }) {
  return (
    <table className="table list-table">
      <caption className="sr-only">Limits of this tenant</caption>
      <thead><tr><th scope="col">Limit</th><th scope="col" className="num">May be spent</th><th scope="col">Spent</th><th scope="col">Stands</th><th scope="col" className="num">Begins anew</th><th scope="col"><span className="sr-only">Actions</span></th></tr></thead>
      <tbody>
        {items.map((item) => (
          <tr key={`${item.level} ${item.name ?? ""} ${item.unit} ${item.window}`}>
            <td className="cell-main"><span className="row-title">{limitTitle(item)}</span>{item.id ? null : <span className="quiet"> by default</span>}</td>
            <td className="num nowrap">{item.amount === null ? "no limit" : inUnit(item.amount, item.unit)}</td>
            <td className="nowrap">{typeof item.used === "number" ? <Used item={item} used={item.used} /> : <span className="quiet">each their own</span>}</td>
            <td>{item.status ? <Status tone={TONES[item.status] ?? "unknown"}>{STATUSES[item.status] ?? item.status}</Status> : null}</td>
            <td className="num quiet" data-unit="begins anew">{item.resets_at ? <Moment at={item.resets_at} /> : WINDOWS[item.window] ?? "rolls on"}</td>
            <td className="cell-action">{mayEdit ? <Edit item={item} /> : null}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Used({ item, used }: { item: Budget; used: number }) {
  return (
    <span className="used">
      {inUnit(used, item.unit)}
      {item.amount ? <meter min={0} max={item.amount} high={item.amount * 0.8} optimum={0} value={Math.min(used, item.amount)} aria-label={`${Math.round((used / item.amount) * 100)} percent`} /> : null}
    </span>
  );
}

function Edit({ item }: { item: Budget }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button look="quiet" icon="edit" onClick={() => setOpen(true)}>Change</Button>
      <Dialog open={open} onClose={() => setOpen(false)} title={limitTitle(item)} className="dialog-small"><AmountForm item={item} onClose={() => setOpen(false)} /></Dialog>
    </>
  );
}

function AmountForm({ item, onClose }: { item: Budget; onClose: () => void }) {
  const inUsd = item.unit === "nano_usd";
  const [text, setText] = useState(item.amount === null ? "" : String(inUsd ? item.amount / NANO_PER_USD : item.amount));
  const [wrong, setWrong] = useState<string | null>(null);
  const { level, name, unit, window } = item;
  const save = useChange((amount: number | null) => expect(api.PUT("/api/v1/budgets", { body: { level, name: name ?? null, unit, window, amount } })), onClose);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const amount = amountOf(text, item.unit);
    setWrong(amount === undefined ? "A number of at least 0." : null);
    if (amount !== undefined) save.mutate(amount);
  };
  return (
    <form className="dialog-form" onSubmit={submit} noValidate>
      <TextField label={inUsd ? "US dollars" : "Tokens"} help="An empty field is no limit; 0 is nothing at all. What held until now stays in the history." inputMode="decimal" autoComplete="off" placeholder="No limit" value={text} error={wrong} onChange={(event) => setText(event.target.value)} />
      {save.isError ? <Failure error={save.error} what="The limit was not changed" lost="It stands as it stood." change /> : null}
      <div className="dialog-foot"><Button onClick={onClose}>Cancel</Button><Button look="primary" type="submit" busy={save.isPending}>Save the limit</Button></div>
    </form>
  );
}

const SHOWN_ALERTS = 10;

/** Which limits have filled up lately; nothing where none has. */
function Alerts() {
  const items = latestAlerts(useQuery(budgetAlertsQuery).data?.items ?? []).slice(0, SHOWN_ALERTS);
  if (items.length === 0) return null;
  return (
    <section className="section" aria-labelledby="alerts">
      <h2 id="alerts">What has filled up</h2>
      <table className="table list-table">
        <caption className="sr-only">Limits that have come to a share of them</caption>
        <thead><tr><th scope="col">Limit</th><th scope="col">Has come to</th><th scope="col" className="num">When</th></tr></thead>
        <tbody>{items.map((item) => <AlertRow key={`${limitTitle(item)} ${item.since} ${item.threshold ?? ""}`} item={item} />)}</tbody>
      </table>
    </section>
  );
}

function AlertRow({ item }: { item: BudgetAlert }) {
  return (
    <tr>
      <td className="cell-main"><span className="row-title">{limitTitle(item)}</span></td>
      <td><Status tone={item.threshold && item.threshold >= 100 ? "bad" : "warn"}>{alertText(item)}</Status></td>
      <td className="num quiet"><Moment at={item.at} /></td>
    </tr>
  );
}

/** Who has spent the most in the last day. */
function Top() {
  const query = useQuery(usageQuery("user"));
  return (
    <section className="section" aria-labelledby="top">
      <h2 id="top">Who has spent the most in a day</h2>
      <Query query={query} what="who has spent the most" rows={3}>{({ items }) => (items.length === 0 ? <p className="quiet">Nobody has spent anything. Models, and reading that costs money, stand here as soon as they are used.</p> : <Shares items={items} />)}</Query>
    </section>
  );
}

function Shares({ items }: { items: Share[] }) {
  return (
    <table className="table list-table">
      <caption className="sr-only">Who has spent the most</caption>
      <thead><tr><th scope="col">Who</th><th scope="col" className="num">Money</th><th scope="col" className="num">Tokens</th><th scope="col" className="num">Charges</th></tr></thead>
      <tbody>
        {items.map((one) => (
          <tr key={one.name ?? ""}>
            <td className="cell-main"><span className="row-title">{one.name ?? "not said"}</span></td>
            <td className="num">{inUnit(one.nano_usd, "nano_usd")}</td>
            <td className="num">{formatCount(one.tokens_in + one.tokens_out, "token")}</td>
            <td className="num quiet" data-unit={one.charges === 1 ? "charge" : "charges"}>{one.charges}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
