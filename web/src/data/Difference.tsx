// Two texts, line by line: what the first had and the second has not, and the other way round.
import { diffLines } from "diff";

/** Unchanged lines that are shown on each side of a change. */
const AROUND = 3;

export default function Difference({ before, after }: { before: string; after: string }) {
  if (before === after) return <p className="quiet">It is what stands in the editor.</p>;
  const parts = diffLines(before, after);
  return (
    <pre className="difference" tabIndex={0} aria-label="What has changed since; lines with a minus are gone, lines with a plus are new">
      {parts.map((part, at) => {
        const lines = part.value.replace(/\n$/, "").split("\n");
        if (part.removed) return <del key={at}>{lines.map((line) => `- ${line}\n`).join("")}</del>;
        if (part.added) return <ins key={at}>{lines.map((line) => `+ ${line}\n`).join("")}</ins>;
        return <span key={at}>{kept(lines, at === 0, at === parts.length - 1)}</span>;
      })}
    </pre>
  );
}

/** The unchanged lines next to a change. */
function kept(lines: string[], first: boolean, last: boolean): string {
  const head = first ? [] : lines.slice(0, AROUND);
  const tail = last ? [] : lines.slice(Math.max(head.length, lines.length - AROUND));
  const left = lines.length - head.length - tail.length;
  const gap = left > 0 ? [`… ${left} unchanged`] : [];
  return [...head, ...gap, ...tail].map((line) => `  ${line}\n`).join("");
}
