// The models that this tenant may ask: who answers, how that stands, and what models are told.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, expect } from "../api/client";
import { providersQuery } from "../api/queries";
import type { Provider } from "../api/types";
import { Asked } from "../runs/changes";
import { atLeast, useSession } from "../shell/session-context";
import { Status } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Query } from "../ui/Query";
import { Empty } from "../ui/States";
import { modelsInWords, standing, wireName } from "./models";
import { PricesSection } from "./PricesSection";
import { PromptsSection } from "./PromptsSection";
import { ProviderForm } from "./ProviderForm";

export function ModelsPanel() {
  const query = useQuery(providersQuery);
  const mayEdit = atLeast(useSession(), "admin");
  return (
    <div>
      <section className="section" aria-labelledby="providers">
        <div className="section-head">
          <h2 id="providers">Providers</h2>
          {mayEdit ? <Change look="primary" /> : null}
        </div>
        <p className="hint">The lowest rank is asked first; the next answers where it fails. Whoever fails five times in a row is left alone for a minute.</p>
        <Query query={query} what="the providers" rows={2}>
          {(items) => items.length === 0
            ? <Empty icon="key" title="No model is configured"><p>Every question is answered without one. Add a provider, and questions that nothing else reads are offered to it.</p></Empty>
            : <Providers items={items} mayEdit={mayEdit} />}
        </Query>
      </section>
      <PricesSection />
      <PromptsSection />
    </div>
  );
}

function Providers({ items, mayEdit }: { items: Provider[]; mayEdit: boolean }) {
  return (
    <table className="table list-table">
      <caption className="sr-only">Providers of models</caption>
      <thead><tr><th scope="col">Provider</th><th scope="col">Models</th><th scope="col">Stands</th><th scope="col" className="num">Rank</th><th scope="col"><span className="sr-only">Actions</span></th></tr></thead>
      <tbody>
        {items.map((item) => {
          const stands = standing(item);
          return (
            <tr key={`${item.read_only ? "installation" : "own"} ${item.name}`}>
              <td className="cell-main"><span className="row-title">{item.name}</span> <span className="quiet">{wireName(item.wire)}{item.has_key ? "" : ", without a key"}</span></td>
              <td>{modelsInWords(item.models)}</td>
              <td><Status tone={stands.tone}>{stands.words}</Status></td>
              <td className="num" data-unit="rank">{item.rank}</td>
              <td className="cell-action">{item.read_only ? <span className="quiet">the operator’s</span> : mayEdit ? <><Change item={item} look="quiet" /><Remove name={item.name} /></> : null}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** Adds a provider, or changes one. */
function Change({ item, look }: { item?: Provider; look: "primary" | "quiet" }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button look={look} icon={item ? "edit" : "plus"} aria-label={item ? `Change ${item.name}` : "New provider"} onClick={() => setOpen(true)}>{item ? "Change" : "New provider"}</Button>
      <Dialog open={open} onClose={() => setOpen(false)} title={item ? `Change ${item.name}` : "New provider"}><ProviderForm {...(item ? { item } : {})} onClose={() => setOpen(false)} /></Dialog>
    </>
  );
}

function Remove({ name }: { name: string }) {
  return (
    <Asked button="Remove" icon="trash" look="quiet" title={`Remove ${name}?`} verb="Remove" keep="Keep it" failed="It was not removed"
      text="Nobody is asked there any more, and its key is gone. What it has cost stays in the books."
      call={() => expect(api.DELETE("/api/v1/ai/providers/{name}", { params: { path: { name } } }))} />
  );
}
