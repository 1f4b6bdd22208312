// The rows of an answer: numbers on the right with separators, units in the head, nothing where there is nothing. Long
// results are shown a piece at a time.
import { useMemo, useState } from "react";
import type { Cell, QueryResult, ResultColumn } from "../api/types";
import { formatCell, formatNumber, humanize, isNumeric, styleOf, unitBeside } from "../lib/format";
import { Nothing } from "../ui/Bits";
import { Button } from "../ui/Button";
import { Icon } from "../ui/Icon";

const FIRST_ROWS = 12;
const MORE_ROWS = 200;

type Sort = { name: string; down: boolean } | null;

function compare(a: Cell | undefined, b: Cell | undefined): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
}

function Head({ column, sort, onSort }: { column: ResultColumn; sort: Sort; onSort: () => void }) {
  const state = sort?.name === column.name ? (sort.down ? "descending" : "ascending") : "none";
  return (
    <th scope="col" aria-sort={state} className={isNumeric(column) ? "num" : ""}>
      <button type="button" className="th-sort" onClick={onSort}>
        {humanize(column.name)}
        {unitBeside(column) ? <span className="unit"> {column.unit}</span> : null}
        <span className={`th-arrow th-arrow-${state}`} aria-hidden="true"><Icon name="down" size={12} /></span>
      </button>
    </th>
  );
}

export function ResultTable({ result, caption }: { result: QueryResult; caption: string }) {
  const [shown, setShown] = useState(FIRST_ROWS);
  const [sort, setSort] = useState<Sort>(null);
  const rows = useMemo(() => {
    if (!sort) return result.rows;
    const ordered = result.rows.toSorted((a, b) => compare(a[sort.name], b[sort.name]));
    return sort.down ? ordered.reverse() : ordered;
  }, [result.rows, sort]);
  const styles = useMemo(() => new Map(result.columns.map((column) => [column.name, styleOf(result.rows.map((row) => row[column.name]), column)])), [result]);
  const next = (name: string): Sort => (sort?.name !== name ? { name, down: true } : sort.down ? { name, down: false } : null);
  return (
    <div className="result-table">
      <div className="table-scroll" tabIndex={0} role="region" aria-label={`Table: ${caption}`}>
        <table className="table">
          <caption className="sr-only">{caption}</caption>
          <thead>
            <tr>{result.columns.map((column) => <Head key={column.name} column={column} sort={sort} onSort={() => setSort(next(column.name))} />)}</tr>
          </thead>
          <tbody>
            {rows.slice(0, shown).map((row, at) => (
              <tr key={at}>
                {result.columns.map((column) => (
                  <td key={column.name} className={isNumeric(column) ? "num" : ""}>
                    {formatCell(row[column.name], column, styles.get(column.name)) ?? <Nothing word="null" means="null" />}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div className="table-foot">
        {rows.length > shown ? <Button look="quiet" onClick={() => setShown(shown + MORE_ROWS)}>{`Show ${formatNumber(Math.min(MORE_ROWS, rows.length - shown))} more`}</Button> : null}
        {result.truncated ? <p className="table-note"><Icon name="warning" size={14} /> Cut at {formatNumber(result.rows.length)} rows; there are more.</p> : null}
      </div>
    </div>
  );
}
