// The list of keyboard shortcuts, and the switch for those that are single letters.
import { ALT, isMac, setSingleKeys, useSingleKeys } from "../lib/keys";
import { Dialog } from "../ui/Dialog";
import { PAGES } from "./pages";

const MOD = isMac ? "⌘" : "Ctrl";
const KEYS: [string[], string][] = [
  [[`${MOD} K`], "Go to anything by name"],
  [["/"], "To the question box"],
  [["Enter"], "Ask"],
  [["↑"], "Bring the last question back into an empty box"],
  [["Esc"], "Stop a question, or leave the box"],
  [["S", `${ALT} S`], "Show the SQL of the last answer"],
  [["N", `${ALT} N`], "New conversation"],
  [["1 … 9", `${ALT} 1 … 9`], "Pick a choice when you are asked back"],
  [["J", "K"], "Next and previous row in a list"],
  [["X"], "Select the run, where many can be changed at once"],
  [["A", "R"], "Approve or reject what waits for you"],
  ...PAGES.map((page): [string[], string] => [[page.keys.toUpperCase().replace(" ", " then ")], page.label]),
  [["?"], "This list"],
];

export function KeysDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const single = useSingleKeys();
  return (
    <Dialog open={open} onClose={onClose} title="Keyboard shortcuts" className="dialog-small">
      <dl className="keys">
        {KEYS.map(([keys, what]) => (
          <div key={what}><dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt><dd>{what}</dd></div>
        ))}
      </dl>
      <label className="check">
        <input type="checkbox" checked={single} onChange={(event) => setSingleKeys(event.target.checked)} />
        <span>Single-letter shortcuts. Switch them off if you control the page by voice.</span>
      </label>
    </Dialog>
  );
}
