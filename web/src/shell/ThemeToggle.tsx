// Goes round light, dark and the system's preference.
import { setTheme, useTheme, type Theme } from "../lib/theme";
import { Icon, type IconName } from "../ui/Icon";

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const ICONS: Record<Theme, IconName> = { system: "system", light: "sun", dark: "moon" };
const WORDS: Record<Theme, string> = { system: "as the system", light: "light", dark: "dark" };

export function ThemeToggle() {
  const theme = useTheme();
  const label = `Colours: ${WORDS[theme]}. Change to ${WORDS[NEXT[theme]]}`;
  return <button type="button" className="tool" aria-label={label} title={label} onClick={() => setTheme(NEXT[theme])}><Icon name={ICONS[theme]} /></button>;
}
