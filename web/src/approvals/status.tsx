// Where an approval stands, as a word with its sign.
import type { IconName } from "../ui/Icon";
import { Status, type Tone } from "../ui/Bits";
import { STATES } from "./words";

const LOOKS: Record<string, { tone: Tone; icon?: IconName }> = {
  pending: { tone: "warn", icon: "clock" }, approved: { tone: "good" }, used: { tone: "good" }, rejected: { tone: "bad" },
  revoked: { tone: "unknown", icon: "cross" }, expired: { tone: "unknown" }, void: { tone: "bad", icon: "blocked" },
};

export function ApprovalState({ state }: { state: string }) {
  const look = LOOKS[state] ?? { tone: "unknown" };
  return <Status tone={look.tone} {...(look.icon ? { icon: look.icon } : {})}>{STATES[state] ?? state}</Status>;
}
