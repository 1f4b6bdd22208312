// Changes many runs: a look first, then in parts until all are done or somebody stops it.
import { api, expect } from "../api/client";
import type { RunFilter } from "../api/queries";
import type { BulkAction, BulkChanged, BulkFilter, BulkPreview } from "../api/types";

/** Most runs that can be named one by one. */
export const MAX_IDS = 1_000;
/** Runs that one call changes. */
const PART = 500;

export type Wish = { action: BulkAction; filter: BulkFilter };
export type Done = Pick<BulkChanged, "changed" | "skipped">;

/** Those with these ids, or without any all that the list's filters mean. */
export function wishOf(action: BulkAction, filter: RunFilter, ids: string[]): Wish {
  const { status, ...rest } = filter;
  return { action, filter: { ...(status ? { status: [status] } : {}), ...rest, ...(ids.length > 0 ? { ids: ids.slice(0, MAX_IDS) } : {}) } };
}

// The server takes fields that are left out as null; its document asks for all.
const asked = (filter: BulkFilter) => filter as Required<BulkFilter>;

export async function preview({ action, filter }: Wish): Promise<BulkPreview> {
  const look = await expect(api.POST("/api/v1/runs/bulk", { body: { action, filter: asked(filter), dry_run: true } }));
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
