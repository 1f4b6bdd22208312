// What an answer leads with. A one-row answer leads with its figure, large, and the sentence beneath says what it is;
// every other answer leads with its sentence.
import type { Answer, Choice, QueryResult, ResultColumn } from "../api/types";
import { formatCell, humanize } from "../lib/format";

type ResultAnswer = Extract<Answer, { response_type: "query_result" }>;
export type Figure = { name: string | null; value: string; unit: string };

/** The one number of a one-row answer, with what it belongs to, where the row names that: EV, 1,808 flights. */
export function figureOf({ rows, columns, chart }: Pick<QueryResult, "rows" | "columns" | "chart">): Figure | null {
  const row = rows[0];
  const measures = columns.filter((column) => column.role === "measure");
  const column = columns.find((one) => one.name === chart.y[0]) ?? measures[0];
  if (!row || rows.length !== 1 || !column || measures.length > 1) return null;
  const name = columns.filter((one) => one !== column).map((one) => formatCell(row[one.name], one)).filter((text) => text !== null).join(", ");
  return { name: name || null, value: formatCell(row[column.name], column) ?? "null", unit: unitOf(column) };
}

const unitOf = (column: ResultColumn): string => column.unit ?? humanize(column.name).toLowerCase();

/** What is told of a summary, and the result at its end; what the heading says already is not told again. */
export function partsOf(summary: string, heading: string): [told: string, result: string] {
  const at = summary.lastIndexOf(": ") + 1;
  if (at === 0) return [summary, ""];
  const told = summary.slice(0, at);
  const said = told.slice(0, -1) === heading;
  return [said ? "" : told, said ? capital(summary.slice(at).trim()) : summary.slice(at)];
}

/** The sentence without the figure that stands above it: what is told up to the colon. */
export function beneath(summary: string, figure: Figure): string {
  const at = summary.lastIndexOf(": ");
  return at > 0 && summary.slice(at).includes(figure.value) ? `${summary.slice(0, at)}.` : summary;
}

export function Sentence({ answer, heading }: { answer: ResultAnswer; heading: string }) {
  const figure = figureOf(answer.data);
  if (!figure) {
    const [told, result] = partsOf(answer.summary, heading);
    return <p className="sentence"><span>{told}<strong>{result}</strong></span></p>;
  }
  const of = beneath(answer.summary, figure);
  return (
    <div className="lead">
      <p className="figure">
        {figure.name ? <span className="figure-name">{figure.name}</span> : null}
        <span className="figure-value">{figure.value}</span> <span className="figure-unit">{figure.unit}</span>
      </p>
      {of === `${heading}.` ? null : <p className="figure-of">{of}</p>}
    </div>
  );
}

export type Asked = { heading: string; shared: string | null; choices: { label: string; detail: string | null }[] };

/**
 * A question back as it is shown. Its text lists the choices for those who only read it; here they are buttons, so the
 * list is left out, and so is, from each button, what is the same in all of them.
 */
export function askedOf(question: string, choices: Pick<Choice, "label" | "detail">[]): Asked {
  const starts = choices.map((choice) => question.indexOf(choice.label));
  const listed = choices.length > 0 && starts.every((at) => at >= 0);
  const heading = listed ? question.slice(0, Math.min(...starts)).replace(/[\s:,]+$/, "") : question;
  const frames = new Set(choices.map((choice) => choice.detail.replace(choice.label, "…")));
  const shared = choices.length > 1 && frames.size === 1 && choices.every((choice) => choice.detail.includes(choice.label));
  return {
    heading: /[?.!]$/.test(heading) ? heading : `${heading || "Which do you mean"}?`,
    shared: shared ? ([...frames][0] ?? null) : null,
    choices: choices.map((choice) => {
      const meaning = LABEL.exec(choice.label)?.[2];
      const detail = [meaning, shared ? null : choice.detail].filter(Boolean).map((text) => capital(text ?? "")).join(". ");
      return { label: shortLabel(choice.label), detail: detail || null };
    }),
  };
}

/** A label says a name and, in brackets, what it stands for. */
const LABEL = /^(.+?) \((.+)\)$/;

export const shortLabel = (label: string): string => capital(LABEL.exec(label)?.[1] ?? label);

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The answer in one line, for where the choices are not shown. */
export function leadOf(answer: Answer): string {
  return answer.response_type === "clarification"
    ? `Asked back: ${askedOf(answer.data.question || answer.summary, answer.data.choices).choices.map((choice) => choice.label).join(" · ")}`
    : answer.summary;
}
