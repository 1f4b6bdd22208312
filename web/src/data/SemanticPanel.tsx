// What the columns mean, as a YAML file that people may edit: measures, dimensions, names and synonyms. The editor is
// loaded only here.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useBlocker } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { api, expect } from "../api/client";
import { asProblem } from "../api/problem";
import { semanticQuery } from "../api/queries";
import type { Connection, Semantic } from "../api/types";
import { atLeast, useSession } from "../shell/session-context";
import { Moment } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Query } from "../ui/Query";
import { Failure, Loading, Note } from "../ui/States";

const YamlEditor = lazy(() => import("./YamlEditor"));

export function SemanticPanel({ connection }: { connection: Connection }) {
  const query = useQuery(semanticQuery(connection.id));
  return (
    <Query query={query} what={`what the columns of ${connection.name} mean`} rows={8} shape="text">
      {(semantic) => <Editor key={`${connection.id}@${semantic.version}`} connection={connection} semantic={semantic} />}
    </Query>
  );
}

function Editor({ connection, semantic }: { connection: Connection; semantic: Semantic }) {
  const client = useQueryClient();
  const session = useSession();
  const [yaml, setYaml] = useState(semantic.yaml);
  const dirty = yaml !== semantic.yaml;
  const mayEdit = atLeast(session, "operator");
  const save = useMutation({
    mutationFn: () => expect(api.PUT("/api/v1/connections/{id}/semantic", { params: { path: { id: connection.id } }, body: { yaml } })),
    onSuccess: (saved) => client.setQueryData(semanticQuery(connection.id).queryKey, saved),
  });
  useBlocker({ shouldBlockFn: () => dirty && !window.confirm("Leave without saving? What you changed here would be lost."), enableBeforeUnload: dirty, disabled: !dirty });
  const problem = save.isError ? asProblem(save.error) : null;
  const invalid = problem?.status === 422 ? problem : null;
  return (
    <section aria-labelledby="meaning" className="semantic">
      <div className="semantic-head">
        <div>
          <h2 id="meaning" className="sr-only">Meaning</h2>
          <p className="quiet">Measures, dimensions, names and synonyms the planner understands. Version {semantic.version}{semantic.updated_at ? <>, saved <Moment at={semantic.updated_at} /></> : ", inferred from the catalog"}.</p>
        </div>
        {mayEdit ? (
          <div className="page-actions">
            <span className="quiet" role="status">{dirty ? "Not saved" : save.isSuccess ? "Saved" : ""}</span>
            <Button disabled={!dirty} onClick={() => { setYaml(semantic.yaml); save.reset(); }}>Undo all</Button>
            <Button look="primary" disabled={!dirty} busy={save.isPending} onClick={() => save.mutate()}>Save</Button>
          </div>
        ) : null}
      </div>
      {mayEdit ? null : <Note tone="plain" icon="lock"><p>You can read this. Operators and admins of this tenant can change it.</p></Note>}
      {invalid ? <div className="notice notice-bad notice-small" role="alert"><div className="notice-body"><p><strong>{invalid.line ? `Line ${invalid.line}: ` : ""}</strong>{invalid.message} Nothing was saved. <code>{invalid.code}</code></p></div></div> : null}
      {problem && !invalid ? <Failure error={problem} what="This was not saved" lost="Your text is still here." onRetry={() => save.mutate()} /> : null}
      <Suspense fallback={<Loading what="Loading the editor" rows={10} shape="text" />}>
        <YamlEditor value={yaml} onChange={setYaml} errorLine={invalid?.line ?? null} readOnly={!mayEdit} onSave={() => { if (dirty) save.mutate(); }} />
      </Suspense>
    </section>
  );
}
