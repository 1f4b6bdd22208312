// Walks the rows of a list with the keyboard.
import { useMemo } from "react";
import { useKeys } from "../lib/keys";

/** j and k walk the rows, Enter opens the one with the focus as any link, x selects it. */
export function useListKeys(list: { current: HTMLElement | null }, toggle: ((id: string) => void) | null = null): void {
  const bindings = useMemo(() => {
    const rows = (): HTMLElement[] => [...(list.current?.querySelectorAll<HTMLElement>("a.row-title") ?? [])];
    const current = (all: HTMLElement[]): number => all.findIndex((row) => row.closest("tr")?.contains(document.activeElement));
    const move = (by: number) => (): void => {
      const all = rows();
      const at = current(all);
      const next = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
      next?.focus();
      next?.scrollIntoView({ block: "nearest" });
    };
    const select = (): void => {
      const all = rows();
      const id = all[current(all)]?.dataset["run"];
      if (id) toggle?.(id);
    };
    return [{ keys: "j", run: move(1) }, { keys: "k", run: move(-1) }, ...(toggle ? [{ keys: "x", run: select }] : [])];
  }, [list, toggle === null]);
  useKeys(bindings);
}
