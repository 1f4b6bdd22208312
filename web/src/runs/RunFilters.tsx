// What the list of runs is narrowed by; each choice is a new address.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { queuesQuery, type RunFilter } from "../api/queries";
import { formatNumber } from "../lib/format";
import { Button } from "../ui/Button";
import { STATUS_FILTERS } from "./status";

type Props = { filter: RunFilter; held: number; live: boolean; onShowHeld: () => void };

export function RunFilters({ filter, held, live, onShowHeld }: Props) {
  const navigate = useNavigate();
  const queues = useQuery(queuesQuery).data ?? [];
  const set = (name: keyof RunFilter, value: string): void => {
    const { [name]: _, ...rest } = filter;
    void navigate({ to: "/runs", search: value ? { ...rest, [name]: value } : rest });
  };
  const options = (names: string[], chosen: string | undefined): { value: string; label: string }[] =>
    [...new Set([...names, ...(chosen ? [chosen] : [])])].toSorted().map((name) => ({ value: name, label: name }));
  return (
    <div className="filters">
      <Choice id="status" label="Status" value={filter.status} options={STATUS_FILTERS} onChange={(value) => set("status", value)} />
      <Choice id="queue" label="Queue" value={filter.queue} options={options(queues.map((queue) => queue.name), filter.queue)} onChange={(value) => set("queue", value)} />
      <Choice id="kind" label="Kind" value={filter.kind} options={options(queues.flatMap((queue) => queue.kinds), filter.kind)} onChange={(value) => set("kind", value)} />
      <span className="filters-live">
        {Object.keys(filter).length > 0 ? <Button look="quiet" onClick={() => void navigate({ to: "/runs" })}>Clear filters</Button> : null}
        {held > 0
          ? <Button look="quiet" icon="refresh" onClick={onShowHeld}>{formatNumber(held)} new</Button>
          : <span className="status status-busy" title="The list follows what happens by itself">{live ? <span className="pulse" aria-hidden="true" /> : null}{live ? "Live" : "Not live"}</span>}
      </span>
    </div>
  );
}

type ChoiceProps = { id: string; label: string; value: string | undefined; options: { value: string; label: string }[]; onChange: (value: string) => void };

/** One thing that a list is narrowed by. */
export function Choice({ id, label, value, options, onChange }: ChoiceProps) {
  return (
    <span className="filter">
      <label className="inline-label" htmlFor={id}>{label}</label>
      <select id={id} className={`input input-short ${value ? "input-set" : ""}`} value={value ?? ""} onChange={(event) => onChange(event.target.value)}>
        <option value="">All</option>
        {options.map((option) => <option key={option.value} value={option.value}>{option.label}</option>)}
      </select>
    </span>
  );
}
