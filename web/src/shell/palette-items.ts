// Everything the palette can reach, and how a few typed letters find it. The search is pure; tested by tests/unit.
import type { IconName } from "../ui/Icon";

export type PaletteItem = { key: string; group: string; label: string; detail?: string; icon: IconName; run: () => void };

const MAX_SHOWN = 40;
const MAX_FOUND = 10;

/** Higher is better, null is no match: the start of a word counts more than its middle, in order of the words typed. */
export function score(text: string, query: string): number | null {
  const hay = text.toLowerCase();
  let total = 0;
  for (const word of query.toLowerCase().split(/\s+/).filter(Boolean)) {
    const at = hay.indexOf(word);
    if (at < 0) return null;
    const startsWord = at === 0 || /[^a-z0-9]/.test(hay.charAt(at - 1));
    total += (at === 0 ? 3 : startsWord ? 2 : 1) + word.length / hay.length;
  }
  return total;
}

export function search<T extends { label: string; detail?: string; group: string }>(items: T[], query: string): T[] {
  if (query.trim() === "") return items.slice(0, MAX_SHOWN);
  return items
    .map((item) => ({ item, points: score(item.label, query) ?? halved(score(`${item.label} ${item.detail ?? ""} ${item.group}`, query)) }))
    .filter((hit): hit is { item: T; points: number } => hit.points !== null)
    .toSorted((a, b) => b.points - a.points)
    .slice(0, MAX_FOUND)
    .map((hit) => hit.item);
}

const halved = (points: number | null): number | null => (points === null ? null : points / 2);
