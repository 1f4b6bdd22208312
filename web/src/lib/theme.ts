// Light, dark or as the system prefers. public/theme.js applies the stored choice before the first paint.
import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";
const KEY = "ph.theme";
const listeners = new Set<() => void>();
const preference = matchMedia("(prefers-color-scheme: dark)");
preference.addEventListener("change", () => listeners.forEach((listener) => listener()));

function current(): Theme {
  const chosen = document.documentElement.dataset["theme"];
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

export function setTheme(theme: Theme): void {
  if (theme === "system") {
    delete document.documentElement.dataset["theme"];
    localStorage.removeItem(KEY);
  } else {
    document.documentElement.dataset["theme"] = theme;
    localStorage.setItem(KEY, theme);
  }
  listeners.forEach((listener) => listener());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, current);
}

/** What is on the screen now, for drawings that cannot read CSS variables by themselves. */
export function useIsDark(): boolean {
  return useSyncExternalStore(subscribe, () => (current() === "system" ? preference.matches : current() === "dark"));
}
