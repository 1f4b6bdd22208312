// Ctrl/Cmd+K: reaches every page, connection, table, schedule, recent run and action by name, or asks what was typed.
import { useInfiniteQuery, useQueries, useQuery } from "@tanstack/react-query";
import { useNavigate, type NavigateOptions } from "@tanstack/react-router";
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { catalogQuery, connectionsQuery, runsQuery, schedulesQuery } from "../api/queries";
import type { Run } from "../api/types";
import { signOut } from "../api/session";
import { startOver, submit } from "../ask/conversation";
import { setTheme } from "../lib/theme";
import { Dialog } from "../ui/Dialog";
import { Icon } from "../ui/Icon";
import { PAGES } from "./pages";
import { search, type PaletteItem } from "./palette-items";
import { atLeast, useSession } from "./session-context";

const MAX_RUNS = 20;
type Props = { open: boolean; onClose: () => void; onShowKeys: () => void };

export function Palette(props: Props) {
  return (
    <Dialog open={props.open} onClose={props.onClose} title="Go to anything" className="dialog-palette" bare>
      <PaletteBody {...props} />
    </Dialog>
  );
}

function useItems({ onShowKeys }: Props): PaletteItem[] {
  const navigate = useNavigate();
  const connections = useQuery(connectionsQuery);
  const runs = useInfiniteQuery(runsQuery({}));
  const schedules = useQuery(schedulesQuery);
  const session = useSession();
  const ready = connections.data?.filter((one) => one.status === "ready") ?? [];
  const catalogs = useQueries({ queries: ready.map((one) => catalogQuery(one.id)) });
  const go = (options: NavigateOptions) => () => void navigate(options);
  return [
    ...PAGES.map((page): PaletteItem => ({ key: page.to, group: "Pages", label: page.label, detail: page.about, icon: page.icon, run: go({ to: page.to }) })),
    { key: "new", group: "Actions", label: "New conversation", icon: "plus", run: () => { startOver(); void navigate({ to: "/ask" }); } },
    { key: "add", group: "Actions", label: "Add a connection", icon: "plus", run: go({ to: "/data", search: { add: true } }) },
    ...(atLeast(session, "operator") ? [{ key: "schedule", group: "Actions", label: "New schedule", icon: "plus" as const, run: go({ to: "/schedules", search: { add: true } }) }] : []),
    { key: "light", group: "Actions", label: "Colours: light", icon: "sun", run: () => setTheme("light") },
    { key: "dark", group: "Actions", label: "Colours: dark", icon: "moon", run: () => setTheme("dark") },
    { key: "system", group: "Actions", label: "Colours: as the system", icon: "system", run: () => setTheme("system") },
    { key: "keys", group: "Actions", label: "Keyboard shortcuts", icon: "keyboard", run: onShowKeys },
    { key: "out", group: "Actions", label: "Sign out", icon: "out", run: () => void signOut() },
    ...(connections.data ?? []).map((one): PaletteItem => ({
      key: `c/${one.id}`, group: "Connections", label: one.name, detail: one.location, icon: "data", run: go({ to: "/data/$connection", params: { connection: one.id } }),
    })),
    ...ready.flatMap((one, at) => (catalogs[at]?.data ?? []).map((table): PaletteItem => ({
      key: `t/${one.id}/${table.name}`, group: "Tables", label: table.name, detail: one.name, icon: "table",
      run: go({ to: "/data/$connection/$table", params: { connection: one.id, table: table.name } }),
    }))),
    ...(schedules.data ?? []).map((one): PaletteItem => ({
      key: `s/${one.id}`, group: "Schedules", label: one.name, detail: one.when, icon: "schedules", run: go({ to: "/schedules/$scheduleId", params: { scheduleId: one.id } }),
    })),
    ...latestByTitle(runs.data?.pages[0]?.items ?? []).slice(0, MAX_RUNS).map((run): PaletteItem => ({
      key: `r/${run.id}`, group: "Recent runs", label: run.title, detail: run.status, icon: "runs", run: go({ to: "/runs/$runId", params: { runId: run.id } }),
    })),
  ];
}

/** The same question asked often is one entry: the latest run of it. */
function latestByTitle(runs: Run[]): Run[] {
  const seen = new Set<string>();
  return runs.filter((run) => !seen.has(run.title) && seen.add(run.title));
}

function PaletteBody(props: Props) {
  const session = useSession();
  const navigate = useNavigate();
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const listId = useId();
  const list = useRef<HTMLUListElement>(null);
  const items = useItems(props);
  const shown = useMemo(() => {
    const found = search(items, query);
    const text = query.trim();
    return text === "" ? found : [...found, {
      key: "ask", group: "Ask", label: `Ask “${text}”`, icon: "ask" as const, run: () => { submit(session, text); void navigate({ to: "/ask" }); },
    } satisfies PaletteItem];
  }, [items, query, session, navigate]);
  const current = Math.min(at, shown.length - 1);
  useEffect(() => { list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" }); }, [current, shown]);

  const choose = (item: PaletteItem | undefined): void => {
    if (!item) return;
    props.onClose();
    item.run();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const move = moves[event.key];
    if (move !== undefined) {
      event.preventDefault();
      setAt((current + move + shown.length) % shown.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(shown[current]);
    }
  };
  return (
    <div className="palette">
      <div className="palette-box">
        <Icon name="search" />
        <input
          role="combobox" aria-expanded="true" aria-controls={listId} aria-activedescendant={shown[current] ? `${listId}-${current}` : undefined}
          aria-label="Go to a page, table, connection or run, or ask" placeholder="Go to a page, table, run – or ask" autoComplete="off" spellCheck={false}
          value={query} onChange={(event) => { setQuery(event.target.value); setAt(0); }} onKeyDown={onKeyDown}
        />
        <kbd aria-hidden="true">Esc</kbd>
      </div>
      <ul id={listId} role="listbox" aria-label="Results" className="palette-list" ref={list}>
        {shown.map((item, index) => (
          <li
            key={item.key} id={`${listId}-${index}`} role="option" aria-selected={index === current} className="palette-item"
            onMouseMove={() => setAt(index)} onClick={() => choose(item)}
          >
            <Icon name={item.icon} /><span className="palette-label">{item.label}</span>
            {item.detail ? <span className="palette-detail">{item.detail}</span> : null}
            <span className="palette-group">{item.group}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
