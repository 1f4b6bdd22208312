// The moments at which a schedule ticks, by its own clocks and from now.
import type { Tick } from "../api/types";
import { Moment } from "../ui/Bits";
import { tickWords } from "./schedule";

export function Ticks({ ticks, label }: { ticks: Tick[]; label: string }) {
  return (
    <ol className="ticks" aria-label={label}>
      {ticks.map((tick) => <li key={tick.at}><span>{tickWords(tick, ticks)}</span><span className="quiet"><Moment at={tick.at} /></span></li>)}
    </ol>
  );
}
