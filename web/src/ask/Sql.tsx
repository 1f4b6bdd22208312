// The query behind an answer, to be read and copied.
import { highlight } from "../lib/sql";
import { CopyButton } from "../ui/Button";

export function SqlText({ sql }: { sql: string }) {
  return (
    <pre className="code" tabIndex={0} aria-label="SQL">
      <code>{highlight(sql).map((piece, at) => (piece.kind === "plain" ? piece.text : <span key={at} className={`sql-${piece.kind}`}>{piece.text}</span>))}</code>
    </pre>
  );
}

export function SqlPanel({ sql }: { sql: string }) {
  return (
    <section className="sql-panel" aria-label="The query behind this answer">
      <div className="sql-head"><p className="label">SQL</p><CopyButton text={sql} label="Copy SQL" /></div>
      <SqlText sql={sql} />
    </section>
  );
}
