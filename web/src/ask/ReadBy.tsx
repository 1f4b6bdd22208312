// Who has read the question, where a model had a part in it: whether it agrees, and how to ask as it would.
import type { Alternative, Chip, ReadBy as Read } from "../api/types";
import { Button } from "../ui/Button";
import type { Change } from "./Chips";
import { SqlText } from "./Sql";

type Props = { readBy: Read | null | undefined; onChange: Change };

/** One line below what an answer took. */
export function ReadBy({ readBy, onChange }: Props) {
  const model = readBy?.model;
  if (!model) return null;
  const { reading } = model;
  const chip: Chip = { kind: "table", label: "As the model reads it", value: reading?.text ?? "" };
  const other: Alternative | null = reading ? { label: reading.text, query: reading.query } : null;
  return (
    <div className="read-by">
      <p className="quiet">{wordsOf(model)}{model.prompt ? <> It was told <code>{model.prompt}</code>.</> : null}</p>
      {model.agrees === false && other ? <Button look="quiet" onClick={() => onChange(chip, other)}>Ask as the model reads it</Button> : null}
    </div>
  );
}

function wordsOf(model: NonNullable<Read["model"]>): string {
  if (model.code) return `The model had no part in this: ${model.says}`;
  const name = model.model ?? "the model";
  if (model.agrees === true) return `The planner and ${name} read the question alike.`;
  if (model.agrees === false) return `This is how the planner reads the question; ${name} differs.`;
  return `${name} was asked as well${model.says ? `: ${model.says}` : "."}`;
}

/** The SQL that a model would ask with, where no reading says it. Nobody has run it. */
export function OfferedSql({ readBy }: { readBy: Read | null | undefined }) {
  const sql = readBy?.model?.sql;
  if (!sql) return null;
  return (
    <details className="offered-sql">
      <summary>A model would ask it with this SQL. It passes the guard; nobody has run it.</summary>
      <SqlText sql={sql} />
    </details>
  );
}
