// The places of the page, named once for the rail, the palette and the shortcuts. A page that has nothing to do yet is
// not listed.
import type { IconName } from "../ui/Icon";

export type PageName = { to: "/ask" | "/runs" | "/approvals" | "/queues" | "/schedules" | "/data" | "/settings"; label: string; icon: IconName; keys: string; about: string };

export const PAGES: PageName[] = [
  { to: "/ask", label: "Ask", icon: "ask", keys: "g a", about: "Ask your data a question" },
  { to: "/runs", label: "Runs", icon: "runs", keys: "g r", about: "What has been done and is being done" },
  { to: "/approvals", label: "Approvals", icon: "approve", keys: "g p", about: "What waits for people to agree to it" },
  { to: "/queues", label: "Queues", icon: "queues", keys: "g q", about: "What stands in line, and who works on it" },
  { to: "/schedules", label: "Schedules", icon: "schedules", keys: "g e", about: "What runs by itself, and when" },
  { to: "/data", label: "Data", icon: "data", keys: "g d", about: "Connections, tables and their meaning" },
  { to: "/settings", label: "Settings", icon: "settings", keys: "g s", about: "Session, budgets, models, tokens, tenants, audit" },
];

/** The place that an address belongs to. */
export function pageAt(address: string): PageName | null {
  return PAGES.find((page) => address === page.to || address.startsWith(`${page.to}/`)) ?? null;
}
