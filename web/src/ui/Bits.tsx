// The smallest things that every page shows: moments, ids, statuses, nothing-there.
import { useCopy, useNow } from "../lib/hooks";
import { shortId } from "../lib/format";
import { exactTime, relativeTime } from "../lib/time";
import { Icon, type IconName } from "./Icon";

export function Moment({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (!at) return <Nothing />;
  return <time dateTime={at} title={exactTime(at)}>{relativeTime(at, now)}</time>;
}

export function Nothing({ word = "–", means = "none" }: { word?: string; means?: string }) {
  return <span className="nothing"><span aria-hidden="true">{word}</span><span className="sr-only">{means}</span></span>;
}

export function Id({ id, what }: { id: string; what: string }) {
  const [copied, copy] = useCopy();
  return (
    <button type="button" className="id" title={`${id} – click to copy`} onClick={() => copy(id)}>
      <span className="sr-only">Copy {what} </span>
      {copied ? "copied" : shortId(id)}
    </button>
  );
}

export type Tone = "good" | "warn" | "bad" | "busy" | "unknown";
const TONE_ICONS: Record<Tone, IconName | null> = { good: "check", warn: "warning", bad: "cross", busy: null, unknown: "clock" };

export function Status({ tone, icon, children }: { tone: Tone; icon?: IconName; children: string }) {
  const drawn = icon ?? TONE_ICONS[tone];
  return (
    <span className={`status status-${tone}`}>
      {drawn ? <Icon name={drawn} size={14} /> : <span className="pulse" aria-hidden="true" />}
      {children}
    </span>
  );
}

export function Tag({ children, title }: { children: string; title?: string }) {
  return <span className="tag" title={title}>{children}</span>;
}
