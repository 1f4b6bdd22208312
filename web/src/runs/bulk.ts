// Changes many runs: a look first, then in parts until all are done or somebody stops it.
import { api, expect } from "../api/client";
import type { BulkChanged, BulkFilter, BulkPreview } from "../api/types";
import type { Wish } from "./words";

/** Runs that one call changes. */
const PART = 500;

export type Done = Pick<BulkChanged, "changed" | "skipped">;

// The server takes fields that are left out as null; its document asks for all.
const asked = (filter: BulkFilter) => filter as Required<BulkFilter>;

export async function preview({ action, filter }: Wish): Promise<BulkPreview> {
  // The server wants a reason even for a look at what would be discarded; a look keeps none.
  const reason = action === "discard" ? { reason: "preview" } : {};
  const look = await expect(api.POST("/api/v1/runs/bulk", { body: { action, filter: asked(filter), dry_run: true, ...reason } }));
  return look as BulkPreview;
}

/** Tells after each part what is done so far; ends early, between two parts, when `signal` says so. */
export async function change({ action, filter }: Wish, asOf: string, reason: string, onPart: (done: Done) => void, signal: AbortSignal): Promise<void> {
  const done = { changed: 0, skipped: 0 };
  let cursor: string | null = null;
  do {
    const body = { action, filter: asked(filter), dry_run: false, as_of: asOf, limit: PART, ...(reason ? { reason } : {}), ...(cursor ? { cursor } : {}) };
    const part = (await expect(api.POST("/api/v1/runs/bulk", { body }))) as BulkChanged;
    done.changed += part.changed;
    done.skipped += part.skipped;
    onPart({ ...done });
    cursor = part.next_cursor ?? null;
  } while (cursor !== null && !signal.aborted);
}
