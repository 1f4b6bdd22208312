// How a question was understood, as chips. A chip whose part has alternatives opens a menu of them; picking one asks
// again with the query that the server offered, so the page puts no words into anybody's mouth.
import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import type { Alternative, Chip } from "../api/types";
import { Icon } from "../ui/Icon";

export type Change = (chip: Chip, alternative: Alternative) => void;

export function Chips({ chips, onChange }: { chips: Chip[]; onChange: Change }) {
  return (
    <ul className="chips">
      {chips.map((chip, at) => (
        <li key={at} className="chip-place">
          {chip.alternatives?.length
            ? <ChipMenu chip={chip} alternatives={chip.alternatives} onPick={(alternative) => onChange(chip, alternative)} />
            : <span className="chip"><ChipText chip={chip} /></span>}
        </li>
      ))}
    </ul>
  );
}

const ChipText = ({ chip }: { chip: Chip }) => <><span className="chip-label">{chip.label}</span> <span className="chip-value">{chip.value}</span></>;

type MenuProps = { chip: Chip; alternatives: Alternative[]; onPick: (alternative: Alternative) => void };

function ChipMenu({ chip, alternatives, onPick }: MenuProps) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = (): void => { setOpen(false); button.current?.focus(); };
  return (
    <>
      <button
        ref={button} type="button" className="chip chip-open" aria-haspopup="menu" aria-expanded={open} aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
        onKeyDown={(event) => { if (event.key === "ArrowDown" && !open) { event.preventDefault(); setOpen(true); } }}
      >
        <ChipText chip={chip} /><Icon name="down" size={12} />
      </button>
      {open ? (
        <Menu
          id={id} chip={chip} alternatives={alternatives} button={button} onClose={close} onLeave={() => setOpen(false)}
          onPick={(alternative) => { setOpen(false); onPick(alternative); }}
        />
      ) : null}
    </>
  );
}

type OpenProps = MenuProps & { id: string; button: React.RefObject<HTMLButtonElement | null>; onClose: () => void; onLeave: () => void };

/** Arrow keys go round, letters jump, Escape and Tab close; a touch outside closes too. */
function Menu({ id, chip, alternatives, button, onPick, onClose, onLeave }: OpenProps) {
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place(menu.current, button.current);
    menu.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus({ preventScroll: true });
    const onDown = (event: PointerEvent): void => {
      const target = event.target as Node;
      if (!menu.current?.contains(target) && !button.current?.contains(target)) onLeave();
    };
    document.addEventListener("pointerdown", onDown);
    return () => document.removeEventListener("pointerdown", onDown);
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    const items = [...(menu.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const next = nextItem(items.map((item) => item.innerText), items.indexOf(document.activeElement as HTMLElement), event.key);
    if (next !== null) {
      event.preventDefault();
      items[next]?.focus();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      onClose();
    } else if (event.key === "Tab") {
      onLeave();
    }
  };
  return (
    <div ref={menu} id={id} role="menu" aria-label={`Instead of ${chip.value}`} className="menu" onKeyDown={onKeyDown}>
      <p className="menu-title" aria-hidden="true">Instead of {chip.value}</p>
      {alternatives.map((alternative) => (
        <button key={alternative.label} type="button" role="menuitem" tabIndex={-1} className="menu-item" onClick={() => onPick(alternative)}>{alternative.label}</button>
      ))}
    </div>
  );
}

/** Above the chip where there is more room, and to its left at the right edge. */
function place(menu: HTMLElement | null, button: HTMLElement | null): void {
  if (!menu || !button) return;
  const [at, size] = [button.getBoundingClientRect(), menu.getBoundingClientRect()];
  const below = document.documentElement.clientHeight - at.bottom;
  menu.classList.toggle("menu-up", below < size.height + 96 && at.top > below);
  menu.classList.toggle("menu-left", at.left + size.width > document.documentElement.clientWidth - 16);
}

/** Which item a key goes to; null when the key is for something else. */
export function nextItem(labels: string[], at: number, key: string): number | null {
  const count = labels.length;
  if (key === "ArrowDown") return (at + 1) % count;
  if (key === "ArrowUp") return (at - 1 + count) % count;
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (!/^[\p{L}\p{N}]$/u.test(key)) return null;
  for (let step = 1; step <= count; step += 1) {
    const index = (at + step) % count;
    if (labels[index]?.toLowerCase().startsWith(key.toLowerCase())) return index;
  }
  return null;
}
