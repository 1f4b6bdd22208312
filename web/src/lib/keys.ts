// Keyboard shortcuts: one listener, a list of bindings. Plain letters stay silent while someone types or has a dialog
// open, and can be switched off, since they get in the way of speech input.
import { useEffect, useSyncExternalStore } from "react";

export type Binding = {
  /** "g a" is one key after the other, "mod+k" is Ctrl or Cmd, "alt+s" is Alt or Option. */
  keys: string;
  run: () => void;
};

const SEQUENCE_MS = 1_000;
const OFF_KEY = "ph.keysOff";
const listeners = new Set<() => void>();
export const isMac = /mac|iphone|ipad/i.test(navigator.platform);

export const ALT = isMac ? "⌥" : "Alt";

export function setSingleKeys(on: boolean): void {
  if (on) localStorage.removeItem(OFF_KEY);
  else localStorage.setItem(OFF_KEY, "1");
  listeners.forEach((listener) => listener());
}

const singleKeysOn = (): boolean => localStorage.getItem(OFF_KEY) === null;

export function useSingleKeys(): boolean {
  return useSyncExternalStore((listener) => { listeners.add(listener); return () => listeners.delete(listener); }, singleKeysOn);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.shadowRoot !== null);
}

/** Letters with Alt are named by their place on the keyboard: Option+S writes "ß" on a Mac. */
function nameOf(event: KeyboardEvent): string {
  const place = /^(?:Key|Digit)(.)$/.exec(event.code)?.[1]?.toLowerCase();
  const key = event.altKey && place ? place : event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return `${event.metaKey || event.ctrlKey ? "mod+" : ""}${event.altKey ? "alt+" : ""}${key}`;
}

export function useKeys(bindings: Binding[]): void {
  useEffect(() => {
    let pending = "";
    let timer = 0;
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing) return;
      const name = nameOf(event);
      const plain = !name.includes("+") || name === "+";
      if (plain && (isTyping(event.target) || !singleKeysOn())) return;
      // Behind a dialog only what opens and closes the palette is alive.
      if (name !== "mod+k" && document.querySelector("dialog[open]")) return;
      const sequence = pending ? `${pending} ${name}` : name;
      const hit = bindings.find((binding) => binding.keys === sequence) ?? bindings.find((binding) => binding.keys === name);
      window.clearTimeout(timer);
      pending = "";
      if (hit) {
        event.preventDefault();
        hit.run();
      } else if (bindings.some((binding) => binding.keys.startsWith(`${name} `))) {
        pending = name;
        timer = window.setTimeout(() => { pending = ""; }, SEQUENCE_MS);
      }
    };
    window.addEventListener("keydown", onKey);
    return () => { window.removeEventListener("keydown", onKey); window.clearTimeout(timer); };
  }, [bindings]);
}
