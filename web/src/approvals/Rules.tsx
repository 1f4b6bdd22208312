// The tenant's rules about what waits for people: written, tried on what was done lately, and stored.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useBlocker } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { api, expect } from "../api/client";
import { asProblem } from "../api/problem";
import { rulesQuery } from "../api/queries";
import type { DryRun, Ruleset } from "../api/types";
import { formatCount } from "../lib/format";
import { useSettled } from "../lib/hooks";
import { atLeast, useSession } from "../shell/session-context";
import { Moment } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Query } from "../ui/Query";
import { Failure, Loading, Note, NotAllowed } from "../ui/States";
import { effectOf } from "./words";

const YamlEditor = lazy(() => import("../data/YamlEditor"));

/** How long the hands rest before the rules are tried. */
const TRY_AFTER_MS = 500;

export function Rules() {
  const session = useSession();
  const allowed = atLeast(session, "operator");
  const query = useQuery({ ...rulesQuery, enabled: allowed });
  if (!allowed) return <NotAllowed what="the rules about approvals" who="Operators and admins" />;
  return <Query query={query} what="the rules" rows={8} shape="text">{(rules) => <Editor key={rules.version} rules={rules} />}</Query>;
}

function Editor({ rules }: { rules: Ruleset }) {
  const client = useQueryClient();
  const session = useSession();
  const [yaml, setYaml] = useState(rules.yaml);
  const dirty = yaml !== rules.yaml;
  const mayEdit = atLeast(session, "admin");
  const settled = useSettled(yaml, TRY_AFTER_MS);
  const save = useMutation({
    mutationFn: () => expect(api.PUT("/api/v1/approvals/rules", { body: { yaml, follows: rules.version } })),
    onSuccess: () => client.invalidateQueries({ queryKey: rulesQuery.queryKey }),
  });
  const tried = useQuery({
    queryKey: ["approvals", "rules", "check", settled],
    queryFn: () => expect(api.POST("/api/v1/approvals/rules/check", { body: { yaml: settled } })),
    enabled: dirty && settled === yaml && settled !== "", staleTime: Number.POSITIVE_INFINITY, gcTime: 0,
  });
  useBlocker({ shouldBlockFn: () => dirty && !window.confirm("Leave without saving? What you changed here would be lost."), enableBeforeUnload: dirty, disabled: !dirty });
  const problem = save.isError ? asProblem(save.error) : null;
  const fault = dirty && tried.data && !tried.data.valid ? { line: tried.data.line ?? 0, reason: tried.data.reason ?? "" } : null;
  const state = !dirty ? "" : settled !== yaml || tried.isFetching ? "Trying …" : fault ? "Not valid yet" : tried.data ? "Valid, not saved" : "Not saved";
  return (
    <section aria-labelledby="rules" className="semantic">
      <div className="semantic-head">
        <div>
          <h2 id="rules" className="sr-only">Rules</h2>
          <p className="quiet">The first rule that fits decides: it is done, waits for people, or is not done. {rules.version === 0 ? "Nobody has written any yet." : <>Version {rules.version}, saved <Moment at={rules.updated_at} />{rules.updated_by ? ` by ${rules.updated_by}` : ""}.</>}</p>
        </div>
        {mayEdit ? (
          <div className="page-actions">
            <span className="quiet" role="status">{state}</span>
            <Button disabled={!dirty} onClick={() => { setYaml(rules.yaml); save.reset(); }}>Undo all</Button>
            <Button look="primary" disabled={!dirty || fault !== null} busy={save.isPending} onClick={() => save.mutate()}>Save</Button>
          </div>
        ) : null}
      </div>
      {mayEdit ? null : <Note tone="plain" icon="lock"><p>You can read this. Admins of this tenant can change it.</p></Note>}
      {fault ? <div className="notice notice-bad notice-small" role="alert"><div className="notice-body"><p><strong>{fault.line ? `Line ${fault.line}: ` : ""}</strong>{fault.reason}</p></div></div> : null}
      {problem && !fault ? <Failure error={problem} what="This was not saved" lost="Your text is still here." onRetry={() => save.mutate()} /> : null}
      <Suspense fallback={<Loading what="Loading the editor" rows={10} shape="text" />}>
        <YamlEditor label="Rules" value={yaml} onChange={setYaml} errorLine={fault?.line || null} readOnly={!mayEdit} onSave={() => { if (dirty && !fault) save.mutate(); }} />
      </Suspense>
      {dirty && tried.data?.dry_run ? <WouldBe run={tried.data.dry_run} /> : null}
      <Others rules={rules} />
    </section>
  );
}

/** What these rules would have said of what was done lately. */
function WouldBe({ run }: { run: DryRun }) {
  const actions = `${formatCount(run.actions, "action")}${run.capped ? " and more" : ""}`;
  if (run.changed.length === 0) return <Note tone="plain" icon="check"><p>Of {actions} of the last 30 days, none would have been decided otherwise.</p></Note>;
  return (
    <div className="notice notice-warn" role="status"><div className="notice-body">
      <p className="notice-title">Of {actions} of the last 30 days these would have been decided otherwise</p>
      <ul className="plain-list">{run.changed.map((shift, at) => <li key={at}>{formatCount(shift.count, "action")}: {effectOf(shift.from)} → {effectOf(shift.to)}</li>)}</ul>
      <details>
        <summary>The newest of them</summary>
        <ul className="plain-list">
          {run.examples.map((one, at) => {
            const facts = one.facts as { kind?: string; subject?: string; resource?: string };
            return <li key={at}><code>{facts.kind}</code> {facts.resource} by {facts.subject}: {effectOf(one.would_be)}{one.would_be_by ? ` (${one.would_be_by})` : ""}</li>;
          })}
        </ul>
      </details>
    </div></div>
  );
}

type Told = { name?: string; because?: string; then?: unknown };

/** The rules before and after the tenant's own. */
function Others({ rules }: { rules: Ruleset }) {
  const groups: [string, Told[]][] = [["Before these: the installation's", rules.installation as Told[]], ["After these: built in", rules.built_in as Told[]]];
  return (
    <>
      {groups.filter(([, items]) => items.length > 0).map(([title, items]) => (
        <div key={title} className="section">
          <h3 className="label">{title}</h3>
          <ul className="plain-list">{items.map((rule) => <li key={rule.name}><strong>{rule.name}</strong>: {effectOf(rule.then)}{rule.because ? <span className="quiet"> – {rule.because}</span> : null}</li>)}</ul>
        </div>
      ))}
    </>
  );
}
