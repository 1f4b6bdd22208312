// How a question was understood: who vouches for it, in a sentence where nothing above says it, and in parts to be changed.
import type { QueryResult } from "../api/types";
import { Icon } from "../ui/Icon";
import { Chips, type Change } from "./Chips";

type Props = { understanding: QueryResult["understanding"]; question: string; said: string; onChange: Change };

export function Understood({ understanding, question, said, onChange }: Props) {
  const { chips, verified } = understanding;
  // The sentence above often begins with it; once is enough.
  const text = said.startsWith(understanding.text.replace(/[.\s]+$/, "")) ? "" : understanding.text;
  return (
    <div role="group" className="understanding" aria-label="How I understood this">
      <p className="label">How I understood this</p>
      {verified ? <p className="understanding-text verified"><Icon name="check" /><span>Verified{verified.by ? ` by ${verified.by}` : ""}{verified.on ? ` on ${verified.on}` : ""}{verified.question === question ? "" : `, as “${verified.question}”`}.</span></p> : null}
      {text ? <p className="understanding-text">{text}</p> : null}
      <Chips chips={chips} onChange={onChange} />
    </div>
  );
}
