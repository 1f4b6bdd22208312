// What models are told: the version in force of each prompt, its others, and who moved it when and why.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, expect } from "../api/client";
import { promptQuery, promptsQuery } from "../api/queries";
import type { Prompt, PromptMove, PromptVersion } from "../api/types";
import { WithWords } from "../runs/changes";
import { atLeast, useSession } from "../shell/session-context";
import { Moment } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Query } from "../ui/Query";
import { Note } from "../ui/States";
import { canaryOf, sourceInWords } from "./models";

/** Characters of a reason. */
const MAX_REASON = 500;

export function PromptsSection() {
  const query = useQuery(promptsQuery);
  return (
    <section className="section" aria-labelledby="prompts">
      <h2 id="prompts">Prompts</h2>
      <Query query={query} what="the prompts" rows={3}>
        {({ items, file }) => (
          <>
            {file?.fault ? <Note tone="warn" icon="warning"><p><strong>{file.path}{file.line ? `, line ${file.line}` : ""}:</strong> {file.fault} What it said before stays in force.</p></Note> : null}
            <table className="table list-table">
              <caption className="sr-only">Prompts of this tenant</caption>
              <thead><tr><th scope="col">Prompt</th><th scope="col">In force</th><th scope="col">Canary</th><th scope="col"><span className="sr-only">Actions</span></th></tr></thead>
              <tbody>{items.map((item) => <Row key={item.name} item={item} />)}</tbody>
            </table>
          </>
        )}
      </Query>
    </section>
  );
}

function Row({ item }: { item: Prompt }) {
  const [open, setOpen] = useState(false);
  const canary = canaryOf(item);
  return (
    <tr>
      <td className="cell-main"><span className="row-title">{item.name}</span></td>
      <td><code>{item.in_force.hash}</code> <span className="quiet">{[item.in_force.version, sourceInWords(item.in_force.source)].filter(Boolean).join(", ")}</span></td>
      <td>{canary ? <><code>{canary.hash}</code> <span className="quiet">for {canary.percent} in 100</span></> : <span className="quiet">no canary</span>}</td>
      <td className="cell-action">
        <Button look="quiet" icon="search" aria-label={`Read ${item.name}`} onClick={() => setOpen(true)}>Read</Button>
        <Dialog open={open} onClose={() => setOpen(false)} title={item.name} className="dialog-wide">{open ? <Detail name={item.name} /> : null}</Dialog>
      </td>
    </tr>
  );
}

function Detail({ name }: { name: string }) {
  const query = useQuery(promptQuery(name));
  const mayMove = atLeast(useSession(), "operator");
  return (
    <Query query={query} what={name} rows={6}>
      {({ in_force: inForce, versions, history }) => (
        <div className="dialog-form">
          <pre className="prompt-text" tabIndex={0} aria-label="What models are told">{inForce.template.trimEnd()}</pre>
          <Versions name={name} inForce={inForce.hash} versions={versions} mayMove={mayMove} />
          {history.length > 0 ? <History moves={history} /> : null}
        </div>
      )}
    </Query>
  );
}

function Versions({ name, inForce, versions, mayMove }: { name: string; inForce: string; versions: PromptVersion[]; mayMove: boolean }) {
  return (
    <table className="table list-table">
      <caption>Versions</caption>
      <thead><tr><th scope="col">Version</th><th scope="col" className="num">First seen</th><th scope="col"><span className="sr-only">Actions</span></th></tr></thead>
      <tbody>
        {versions.map((one) => (
          <tr key={one.hash}>
            <td className="cell-main"><code>{one.hash}</code> <span className="quiet">{[one.version, sourceInWords(one.source)].filter(Boolean).join(", ")}</span></td>
            <td className="num quiet" data-unit="first seen"><Moment at={one.created_at} /></td>
            <td className="cell-action">{one.hash === inForce ? <span className="quiet">in force</span> : mayMove ? <PutInForce name={name} version={one} /> : null}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function PutInForce({ name, version }: { name: string; version: PromptVersion }) {
  return (
    <WithWords button="Put in force" icon="check" title={`Put ${version.hash} in force?`} label="Why" needed limit={MAX_REASON} verb="Put in force" keep="Keep what holds" failed="It was not put in force" mild
      text={<><p>Every question from now on is asked with it. Somebody may have to agree first.</p><pre className="prompt-text" tabIndex={0} aria-label="What models would be told">{version.template.trimEnd()}</pre></>}
      call={(because) => expect(api.PUT("/api/v1/prompts/{name}/labels/{label}", { params: { path: { name, label: "production" } }, body: { hash: version.hash, because } }))} />
  );
}

function History({ moves }: { moves: PromptMove[] }) {
  return (
    <div>
      <h3>What was moved</h3>
      <ol className="plain-list">
        {moves.map((move) => (
          <li key={`${move.label} ${move.at}`}>
            <strong>{move.label}</strong> {move.hash ? <>to <code>{move.hash}</code>{move.percent < 100 ? ` for ${move.percent} in 100` : ""}</> : "taken away"} <span className="quiet"><Moment at={move.at} /> by {move.by}{move.because ? `: ${move.because}` : ""}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
