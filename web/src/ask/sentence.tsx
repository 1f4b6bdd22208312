// The sentence an answer leads with. When the answer is one number, the sentence is large and the number stands out in
// it, so that it need not be said twice.
import type { Answer } from "../api/types";
import { formatCell } from "../lib/format";

type ResultAnswer = Extract<Answer, { response_type: "query_result" }>;

function theNumber({ data }: ResultAnswer): string | null {
  if (data.chart.kind !== "number" || data.rows.length !== 1) return null;
  const column = data.columns.find((one) => one.name === data.chart.y?.[0]) ?? data.columns.find((one) => one.role === "measure") ?? data.columns[0];
  return column ? formatCell(data.rows[0]?.[column.name], column) : null;
}

/** Whether the sentence itself says the number, as the page would write it. */
export function sentenceStates(answer: ResultAnswer): boolean {
  const number = theNumber(answer);
  return number !== null && splitAt(answer.summary, number) !== null;
}

/** The text before and after the first whole occurrence of a number: "4" is not in "24,951". */
export function splitAt(text: string, number: string): [string, string] | null {
  for (let at = text.indexOf(number); at >= 0; at = text.indexOf(number, at + 1)) {
    const before = text.charAt(at - 1);
    const after = text.slice(at + number.length);
    if (!/[\d.,]/.test(before) && !/^[.,]?\d/.test(after)) return [text.slice(0, at), after];
  }
  return null;
}

export function Sentence({ answer }: { answer: ResultAnswer }) {
  const number = theNumber(answer);
  const parts = number === null ? null : splitAt(answer.summary, number);
  if (!parts) return <p className="sentence">{answer.summary}</p>;
  return <p className="sentence sentence-number">{parts[0]}<strong>{number}</strong>{parts[1]}</p>;
}
