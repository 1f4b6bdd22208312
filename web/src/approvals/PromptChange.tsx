// What a change of a prompt's label would do: both versions line by line, and what each took so far.
import { lazy, Suspense } from "react";
import type { ApprovalDetail } from "../api/types";
import { formatNumber, formatUsd } from "../lib/format";
import { promptChangeOf, type VersionFigures } from "./words";

const Difference = lazy(() => import("../data/Difference"));

export function PromptChange({ approval }: { approval: ApprovalDetail }) {
  const change = promptChangeOf(approval);
  if (!change) return null;
  const { from, to, percent, evaluation } = change;
  return (
    <>
      <p>
        {to ? <>Models are told version <code>{to.hash}</code>{to.version ? ` (${to.version})` : ""} of <strong>{change.name}</strong></> : <>Models are told what the installation says of <strong>{change.name}</strong></>}
        {percent < 100 && to ? `, for ${percent} in a hundred questions` : ""}
        {from ? <>, in the place of <code>{from.hash}</code>{from.version ? ` (${from.version})` : ""}</> : null}.
        {change.because ? ` ${change.because}` : ""}
      </p>
      {to ? <Suspense fallback={null}><Difference before={lines(from?.text ?? "")} after={lines(to.text)} /></Suspense> : null}
      {evaluation ? (
        <table className="table">
          <caption>What each took in the last {evaluation.days} days</caption>
          <thead><tr><th scope="col">Version</th><th scope="col">Calls</th><th scope="col">Failed</th><th scope="col">A call costs</th><th scope="col">Tokens of a call</th></tr></thead>
          <tbody>
            <Took name={from ? from.hash : "before"} figures={evaluation.from} />
            <Took name={to ? to.hash : "the installation's"} figures={evaluation.to} />
          </tbody>
        </table>
      ) : null}
    </>
  );
}

/** With one line break at its end, so that a last line without one is not taken for another. */
const lines = (text: string): string => `${text.trimEnd()}\n`;

function Took({ name, figures }: { name: string; figures: VersionFigures | null }) {
  return (
    <tr>
      <th scope="row"><code>{name}</code></th>
      {figures ? (
        <><td>{formatNumber(figures.calls)}</td><td>{formatNumber(figures.failed)}</td><td>{formatUsd(String(figures.nano_usd_per_call / 1e9))}</td><td>{formatNumber(figures.tokens_per_call)}</td></>
      ) : <td colSpan={4}>was never asked with</td>}
    </tr>
  );
}
