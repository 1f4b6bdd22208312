// What models cost: this tenant's own prices, and those of the makers' lists.
import { useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, expect } from "../api/client";
import { pricesQuery } from "../api/queries";
import type { ModelPrice, NewModelPrice } from "../api/types";
import { formatCount } from "../lib/format";
import { useChange } from "../runs/changes";
import { atLeast, useSession } from "../shell/session-context";
import { Moment } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { Query } from "../ui/Query";
import { Failure } from "../ui/States";
import { perMillion, usdOf } from "./models";

export function PricesSection() {
  const query = useQuery(pricesQuery);
  const mayEdit = atLeast(useSession(), "admin");
  return (
    <section className="section" aria-labelledby="prices">
      <div className="section-head">
        <h2 id="prices">Prices</h2>
        {mayEdit ? <Add /> : null}
      </div>
      <p className="hint">In US dollars for a million tokens. A model that has no price is not called.</p>
      <Query query={query} what="the prices" rows={2}>
        {({ own, listed }) => (
          <>
            {own.length > 0 ? <Prices items={own} caption="Prices of this tenant" /> : null}
            <details className="listed-prices">
              <summary>{formatCount(listed.length, "price")} of the makers’ lists</summary>
              <Prices items={listed} caption="Prices of the makers’ lists" />
            </details>
          </>
        )}
      </Query>
    </section>
  );
}

function Prices({ items, caption }: { items: ModelPrice[]; caption: string }) {
  return (
    <table className="table list-table">
      <caption className="sr-only">{caption}</caption>
      <thead><tr><th scope="col">Model</th><th scope="col" className="num">Input</th><th scope="col" className="num">Cached input</th><th scope="col" className="num">Output</th><th scope="col" className="num">Since</th></tr></thead>
      <tbody>
        {items.map((item) => (
          <tr key={`${item.provider ?? ""} ${item.model} ${item.since}`}>
            <td className="cell-main"><span className="row-title">{item.model}</span>{item.provider ? <span className="quiet"> at {item.provider}</span> : null}</td>
            <td className="num" data-unit="input">{perMillion(item.input_usd)}</td>
            <td className="num" data-unit="cached">{item.cached_usd === null ? <span className="quiet">the same</span> : perMillion(item.cached_usd)}</td>
            <td className="num" data-unit="output">{perMillion(item.output_usd)}</td>
            <td className="num quiet"><Moment at={item.since} /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Add() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button icon="plus" onClick={() => setOpen(true)}>New price</Button>
      <Dialog open={open} onClose={() => setOpen(false)} title="New price" className="dialog-small"><PriceForm onClose={() => setOpen(false)} /></Dialog>
    </>
  );
}

function PriceForm({ onClose }: { onClose: () => void }) {
  const [model, setModel] = useState("");
  const [provider, setProvider] = useState("");
  const [input, setInput] = useState("");
  const [cached, setCached] = useState("");
  const [output, setOutput] = useState("");
  const [isTried, setTried] = useState(false);
  const save = useChange((body: NewModelPrice) => expect(api.POST("/api/v1/ai/prices", { body })), onClose);
  const prices = { input: usdOf(input), cached: cached.trim() === "" ? null : usdOf(cached), output: usdOf(output) };
  const wrong = (value: number | null | undefined): string | null => (isTried && value === undefined ? "A number of at least 0." : null);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    const { input: sent, cached: kept, output: received } = prices;
    if (model.trim() === "" || sent === undefined || kept === undefined || received === undefined) return;
    save.mutate({ model: model.trim(), provider: provider.trim() || null, input_usd: sent, cached_usd: kept, output_usd: received });
  };
  return (
    <form className="dialog-form" onSubmit={submit} noValidate>
      <TextField label="Model" autoComplete="off" placeholder="gpt-4o-mini" help="As its provider calls it." value={model} error={isTried && model.trim() === "" ? "Say which model." : null} onChange={(event) => setModel(event.target.value)} />
      <TextField label="Provider" autoComplete="off" placeholder="Whichever" value={provider} onChange={(event) => setProvider(event.target.value)} />
      <TextField label="Input" inputMode="decimal" autoComplete="off" placeholder="0.15" value={input} error={wrong(prices.input)} onChange={(event) => setInput(event.target.value)} />
      <TextField label="Cached input" inputMode="decimal" autoComplete="off" placeholder="The same" value={cached} error={wrong(prices.cached)} onChange={(event) => setCached(event.target.value)} />
      <TextField label="Output" inputMode="decimal" autoComplete="off" placeholder="0.60" help="It holds from now on; what was settled stays as it was." value={output} error={wrong(prices.output)} onChange={(event) => setOutput(event.target.value)} />
      {save.isError ? <Failure error={save.error} what="The price was not saved" lost="What you wrote is still here." change /> : null}
      <div className="dialog-foot"><Button onClick={onClose}>Cancel</Button><Button look="primary" type="submit" busy={save.isPending}>Save the price</Button></div>
    </form>
  );
}
