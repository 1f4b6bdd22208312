// Above a list whose runs can be changed many at once: what is selected, and what can be done with it.
import { useState } from "react";
import type { RunFilter } from "../api/queries";
import type { BulkAction } from "../api/types";
import { formatNumber } from "../lib/format";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import type { IconName } from "../ui/Icon";
import { BulkDialog } from "./BulkDialog";
import { VERBS, wishOf, type Wish } from "./words";

/** `ids` are the selected ones, `all` how many the list shows, `more` whether further ones match its filters. */
export type Selection = { ids: string[]; filter: RunFilter; all: number; more: boolean };
type Props = { actions: BulkAction[]; selection: Selection; onSelect: (all: boolean) => void };

const ICONS: Record<BulkAction, IconName> = { retry: "refresh", cancel: "stop", discard: "trash" };

export function BulkBar({ actions, selection, onSelect }: Props) {
  const { ids, all, more } = selection;
  // The wish is kept as it was when the dialog opened: the list under it goes on changing, and may become empty.
  const [wish, setWish] = useState<Wish | null>(null);
  const close = (changed: boolean): void => { setWish(null); if (changed) onSelect(false); };
  const whole = ids.length === all;
  return (
    <>
      {all > 0 ? (
        <div className="bulk" role="group" aria-label="Change many runs">
          <label className="check bulk-all">
            <input type="checkbox" checked={whole} ref={(box) => { if (box) box.indeterminate = ids.length > 0 && !whole; }} onChange={() => onSelect(!whole)} />
            <span>{ids.length > 0 ? `${formatNumber(ids.length)} selected` : `Select the ${formatNumber(all)} shown`}</span>
          </label>
          <span className="bulk-actions">
            {actions.map((action) => (
              <Button key={action} icon={ICONS[action]} onClick={() => setWish(wishOf(action, selection.filter, ids))}>
                {`${VERBS[action].verb} ${ids.length > 0 ? formatNumber(ids.length) : more ? "all that match" : "all"} …`}
              </Button>
            ))}
          </span>
        </div>
      ) : null}
      <Dialog open={wish !== null} onClose={() => close(false)} title={wish ? `${VERBS[wish.action].verb} runs` : ""}>
        {wish ? <BulkDialog wish={wish} onClose={close} /> : null}
      </Dialog>
    </>
  );
}
