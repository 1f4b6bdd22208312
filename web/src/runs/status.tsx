// A run's status in a word, a tone and a sign.
import type { RunStatus } from "../api/types";
import { Status, type Tone } from "../ui/Bits";
import type { IconName } from "../ui/Icon";

type Look = { tone: Tone; word: string; icon?: IconName };
const LOOKS: Record<RunStatus, Look> = {
  queued: { tone: "unknown", word: "Queued" },
  running: { tone: "busy", word: "Running" },
  waiting: { tone: "warn", word: "Waiting", icon: "clock" },
  succeeded: { tone: "good", word: "Succeeded" },
  failed: { tone: "bad", word: "Failed" },
  cancelled: { tone: "unknown", word: "Cancelled", icon: "blocked" },
  dead: { tone: "bad", word: "Given up", icon: "blocked" },
};

export const STATUS_FILTERS: { value: RunStatus; label: string }[] = [
  { value: "running", label: "Running" },
  { value: "waiting", label: "Waiting" },
  { value: "queued", label: "Queued" },
  { value: "succeeded", label: "Succeeded" },
  { value: "failed", label: "Failed" },
  { value: "cancelled", label: "Cancelled" },
  { value: "dead", label: "Given up" },
];

export function RunStatusView({ status, stopping = false }: { status: string; stopping?: boolean }) {
  if (stopping) return <Status tone="warn" icon="stop">Stopping</Status>;
  // A server newer than the page may know more statuses; they are shown by name, as unknown.
  const look: Look = Object.hasOwn(LOOKS, status) ? LOOKS[status as RunStatus] : { tone: "unknown", word: status };
  return <Status tone={look.tone} {...(look.icon ? { icon: look.icon } : {})}>{look.word}</Status>;
}
