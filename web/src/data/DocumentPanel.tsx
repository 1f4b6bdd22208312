// What people write about a connection, as a YAML file in versions: what its columns mean, and who may see what of them.
// The text is checked while it is written, and earlier versions can be looked at and put back. The editor is loaded only
// here.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useBlocker } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { api, expect } from "../api/client";
import { asProblem } from "../api/problem";
import { documentQuery, documentVersionQuery, documentVersionsQuery, type DocumentKind } from "../api/queries";
import type { Connection, Document } from "../api/types";
import { useSettled } from "../lib/hooks";
import { atLeast, useSession } from "../shell/session-context";
import { Moment } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Query } from "../ui/Query";
import { Failure, Loading, Note, NotAllowed } from "../ui/States";
import { Proposals } from "./Proposals";

const YamlEditor = lazy(() => import("./YamlEditor"));
const Difference = lazy(() => import("./Difference"));

/** How long the hands rest before the text is checked. */
const CHECK_AFTER_MS = 500;

const KINDS = {
  semantic: {
    title: "Meaning", editor: "Semantic layer", reads: "viewer", writes: "operator",
    about: "Measures, dimensions, names and synonyms the planner understands.", nobody: "inferred from the catalog",
    locked: "You can read this. Operators and admins of this tenant can change it.",
  },
  policy: {
    title: "Access", editor: "Access policy", reads: "operator", writes: "admin",
    about: "Which rows, tables and columns who may see: conditions may use caller.role, caller.subject, caller.tenant and attributes of your own.", nobody: "nothing is protected",
    locked: "You can read this. Admins of this tenant can change it.",
  },
} as const;

export function DocumentPanel({ connection, kind }: { connection: Connection; kind: DocumentKind }) {
  const session = useSession();
  const allowed = atLeast(session, KINDS[kind].reads);
  const query = useQuery({ ...documentQuery(connection.id, kind), enabled: allowed });
  if (!allowed) return <NotAllowed what={`the ${KINDS[kind].editor.toLowerCase()} of ${connection.name}`} who="Operators and admins" />;
  return (
    <Query query={query} what={`the ${KINDS[kind].editor.toLowerCase()} of ${connection.name}`} rows={8} shape="text">
      {(document) => <Editor key={`${connection.id}@${document.version}`} connection={connection} kind={kind} document={document} />}
    </Query>
  );
}

function Editor({ connection, kind, document }: { connection: Connection; kind: DocumentKind; document: Document }) {
  const client = useQueryClient();
  const session = useSession();
  const words = KINDS[kind];
  const [yaml, setYaml] = useState(document.yaml);
  const dirty = yaml !== document.yaml;
  const mayEdit = atLeast(session, words.writes) && !connection.read_only_sample;
  const params = { path: { id: connection.id } };
  const save = useMutation({
    mutationFn: () => expect(api.PUT(`/api/v1/connections/{id}/${kind}`, { params, body: { yaml } })),
    onSuccess: (saved) => {
      client.setQueryData(documentQuery(connection.id, kind).queryKey, saved);
      return client.invalidateQueries({ queryKey: documentVersionsQuery(connection.id, kind).queryKey });
    },
  });
  const settled = useSettled(yaml, CHECK_AFTER_MS);
  const check = useQuery({
    queryKey: ["connections", kind, connection.id, "check", settled],
    queryFn: () => expect(api.POST(`/api/v1/connections/{id}/${kind}/check`, { params, body: { yaml: settled } })),
    enabled: dirty && mayEdit && settled === yaml && settled !== "",
    staleTime: Number.POSITIVE_INFINITY, gcTime: 0,
  });
  useBlocker({ shouldBlockFn: () => dirty && !window.confirm("Leave without saving? What you changed here would be lost."), enableBeforeUnload: dirty, disabled: !dirty });
  const problem = save.isError ? asProblem(save.error) : null;
  const fault = dirty && check.data && !check.data.valid ? { line: check.data.line ?? 0, reason: check.data.reason ?? "" } : null;
  const state = !dirty ? (save.isSuccess ? "Saved" : "") : settled !== yaml || check.isFetching ? "Checking …" : fault ? "Not valid yet" : check.data ? "Valid, not saved" : "Not saved";
  return (
    <section aria-labelledby="document" className="semantic">
      <div className="semantic-head">
        <div>
          <h2 id="document" className="sr-only">{words.title}</h2>
          <p className="quiet">{words.about} {document.version === 0 ? `Version 0: ${words.nobody}.` : <>Version {document.version}, saved <Moment at={document.updated_at} />{document.updated_by ? ` by ${document.updated_by}` : ""}.</>}</p>
        </div>
        {mayEdit ? (
          <div className="page-actions">
            <span className="quiet" role="status">{state}</span>
            <Button disabled={!dirty} onClick={() => { setYaml(document.yaml); save.reset(); }}>Undo all</Button>
            <Button look="primary" disabled={!dirty || fault !== null} busy={save.isPending} onClick={() => save.mutate()}>Save</Button>
          </div>
        ) : null}
      </div>
      {mayEdit ? null : <Note tone="plain" icon="lock"><p>{connection.read_only_sample ? "You can read this. The sample cannot be changed." : words.locked}</p></Note>}
      {fault ? <div className="notice notice-bad notice-small" role="alert"><div className="notice-body"><p><strong>{fault.line ? `Line ${fault.line}: ` : ""}</strong>{fault.reason}</p></div></div> : null}
      {problem && !fault ? <Failure error={problem} what="This was not saved" lost="Your text is still here." onRetry={() => save.mutate()} /> : null}
      <Suspense fallback={<Loading what="Loading the editor" rows={10} shape="text" />}>
        <YamlEditor label={words.editor} value={yaml} onChange={setYaml} errorLine={fault?.line || null} readOnly={!mayEdit} onSave={() => { if (dirty && !fault) save.mutate(); }} />
      </Suspense>
      {kind === "semantic" && !dirty ? <Proposals connection={connection} /> : null}
      {document.version > 0 ? <Versions connection={connection} kind={kind} current={yaml} mayEdit={mayEdit} onTake={setYaml} /> : null}
    </section>
  );
}

/** Earlier versions, each with what has changed since. */
function Versions({ connection, kind, current, mayEdit, onTake }: { connection: Connection; kind: DocumentKind; current: string; mayEdit: boolean; onTake: (yaml: string) => void }) {
  const [open, setOpen] = useState(false);
  const [shown, setShown] = useState<number | null>(null);
  const query = useQuery({ ...documentVersionsQuery(connection.id, kind), enabled: open });
  return (
    <details className="versions" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Earlier versions</summary>
      {open ? (
        <Query query={query} what="earlier versions" rows={3}>
          {({ items }) => (
            <ul className="version-list">
              {items.map((item) => (
                <li key={item.version}>
                  <Button look="quiet" aria-expanded={shown === item.version} onClick={() => setShown(shown === item.version ? null : item.version)}>{`Version ${item.version}`}</Button>
                  <span className="quiet"> <Moment at={item.updated_at} />{item.updated_by ? ` by ${item.updated_by}` : ""}</span>
                  {shown === item.version ? <Version connection={connection} kind={kind} version={item.version} current={current} mayEdit={mayEdit} onTake={onTake} /> : null}
                </li>
              ))}
            </ul>
          )}
        </Query>
      ) : null}
    </details>
  );
}

function Version({ connection, kind, version, current, mayEdit, onTake }: { connection: Connection; kind: DocumentKind; version: number; current: string; mayEdit: boolean; onTake: (yaml: string) => void }) {
  const query = useQuery(documentVersionQuery(connection.id, kind, version));
  return (
    <Query query={query} what={`version ${version}`} rows={4} shape="text">
      {(document) => (
        <Suspense fallback={<Loading what="Comparing" rows={4} shape="text" />}>
          <Difference before={document.yaml} after={current} />
          {mayEdit && document.yaml !== current ? <p><Button onClick={() => onTake(document.yaml)}>Put this version into the editor</Button></p> : null}
        </Suspense>
      )}
    </Query>
  );
}
