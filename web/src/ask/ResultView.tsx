// A governed answer: the sentence, then the figure or chart, then the table, how it was understood, and what it cost.
import { useMemo, useState } from "react";
import type { Answer, QueryResult } from "../api/types";
import { formatBytes, formatCount, formatDuration, formatUsd, humanize, toCsv, unitBeside } from "../lib/format";
import { useCopy } from "../lib/hooks";
import { ALT, useKeys } from "../lib/keys";
import { Moment } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Note } from "../ui/States";
import ChartView from "./ChartView";
import { type Change } from "./Chips";
import { Feedback } from "./Feedback";
import { ReadBy } from "./ReadBy";
import { ResultTable } from "./ResultTable";
import { figureOf } from "./sentence";
import { SqlPanel } from "./Sql";
import { Understood } from "./Understood";
import { Verify } from "./Verify";

type ResultAnswer = Extract<Answer, { response_type: "query_result" }>;
type Props = { answer: ResultAnswer; question: string; latest: boolean; onChange: Change };

export function ResultView({ answer, question, latest, onChange }: Props) {
  const { data } = answer;
  // A question for the first of several is drawn among the next ones, so that one sees by how much it leads.
  const shown = data.comparison ? { ...data, rows: data.comparison.rows } : data;
  const asNumber = figureOf(data) !== null && shown.rows.length <= 1;
  const [showTable, setShowTable] = useState(!asNumber);
  const [showSql, setShowSql] = useState(false);
  const toggleSql = (): void => setShowSql((open) => !open);
  const bindings = useMemo(() => (latest ? [{ keys: "s", run: toggleSql }, { keys: "alt+s", run: toggleSql }] : []), [latest]);
  useKeys(bindings);
  const charted = (data.chart.kind === "bar" || data.chart.kind === "line") && shown.rows.length > 1;
  return (
    <div className="result">
      {charted ? <ChartView result={shown} title={chartTitle(data)} /> : null}
      {answer.warnings.map((warning) => <Note key={warning}><p>{warning}</p></Note>)}
      {data.rows.length === 0 ? <p className="result-none">The query ran and found no rows. The filters below may be narrower than you meant.</p> : null}
      {showTable && shown.rows.length > 0 ? <ResultTable result={shown} caption={data.chart.title || question} /> : null}
      <Understood understanding={data.understanding} question={question} said={answer.summary} onChange={onChange} />
      <Facts result={data} />
      <ReadBy readBy={data.read_by} onChange={onChange} />
      <div className="result-actions">
        <Button icon="code" hint={`${ALT} S`} aria-expanded={showSql} aria-keyshortcuts="s Alt+S" onClick={toggleSql}>{showSql ? "Hide SQL" : "SQL"}</Button>
        {asNumber && data.rows.length > 0 ? <Button look="quiet" icon="table" aria-expanded={showTable} onClick={() => setShowTable(!showTable)}>Table</Button> : null}
        {data.rows.length > 0 ? <Button look="quiet" icon="download" onClick={() => download(shown, question)}>CSV</Button> : null}
        <ShareLink runId={answer.run_id} />
        <Verify runId={answer.run_id} connectionId={data.connection_id} done={Boolean(data.understanding.verified)} />
        <Feedback runId={answer.run_id} />
      </div>
      {showSql ? <SqlPanel sql={data.sql} /> : null}
    </div>
  );
}

/** What is drawn over what: the rest of the question stands in the sentence and the chips. */
function chartTitle(result: QueryResult): string {
  const names = result.chart.y.map((name) => {
    const column = result.columns.find((one) => one.name === name);
    const unit = column ? unitBeside(column) : null;
    return unit ? `${humanize(name)} (${unit})` : humanize(name);
  });
  return result.chart.x ? `${names.join(", ")} by ${humanize(result.chart.x).toLowerCase()}` : result.chart.title;
}

function Facts({ result }: { result: QueryResult }) {
  // Beside rows that were counted; `data.bytes_scanned` may be an estimate, for clients that always expect a number.
  const bytes = result.cost.bytes_scanned;
  return (
    <ul className="facts" aria-label="What this answer took">
      <li>{formatCount(result.row_count, "row")}</li>
      {result.rows_scanned === null ? null : <li>{formatCount(result.rows_scanned, "row")} scanned</li>}
      {bytes === null ? null : <li>{formatBytes(bytes)} read</li>}
      {result.computed_at ? <li>kept, computed <Moment at={result.computed_at} /></li> : null}
      {result.elapsed_ms === null || result.cached ? null : <li>{formatDuration(result.elapsed_ms)}</li>}
      {result.cost.estimated_usd === null ? <li>cost unknown</li> : <li>{formatUsd(result.cost.estimated_usd)}</li>}
      {result.tables.map((table) => (
        <li key={table.name}><code>{table.name}</code>{table.updated_at ? <> updated <Moment at={table.updated_at} /></> : null}</li>
      ))}
    </ul>
  );
}

function ShareLink({ runId }: { runId: string }) {
  const [copied, copy] = useCopy();
  return (
    <Button look="quiet" icon={copied ? "check" : "link"} onClick={() => copy(`${location.origin}/ask/${encodeURIComponent(runId)}`)}>
      {copied ? "Link copied" : "Copy link"}
    </Button>
  );
}

function download(result: QueryResult, question: string): void {
  const url = URL.createObjectURL(new Blob([toCsv(result.columns, result.rows)], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${question.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 60) || "answer"}.csv`;
  link.click();
  URL.revokeObjectURL(url);
}
