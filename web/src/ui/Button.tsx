// Buttons and what looks like them. One primary action per screen; everything else is quiet.
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { useCopy } from "../lib/hooks";
import { Icon, type IconName } from "./Icon";

type Look = "primary" | "default" | "quiet" | "danger";
type Props = ButtonHTMLAttributes<HTMLButtonElement> & {
  look?: Look;
  icon?: IconName;
  busy?: boolean;
  children?: ReactNode;
  /** Shown after the label, for people who prefer keys. */
  hint?: string;
};

export function Button({ look = "default", icon, busy, children, hint, className = "", type = "button", disabled, ...rest }: Props) {
  return (
    <button {...rest} type={type} disabled={disabled || busy} aria-busy={busy || undefined} className={`button button-${look} ${children ? "" : "button-icon"} ${className}`}>
      {busy ? <span className="spinner" aria-hidden="true" /> : icon ? <Icon name={icon} /> : null}
      {children ? <span>{children}</span> : null}
      {hint ? <kbd aria-hidden="true">{hint}</kbd> : null}
    </button>
  );
}

export function CopyButton({ text, label = "Copy", look = "quiet" }: { text: string; label?: string; look?: Look }) {
  const [copied, copy] = useCopy();
  return (
    <>
      <Button look={look} icon={copied ? "check" : "copy"} onClick={() => copy(text)}>{copied ? "Copied" : label}</Button>
      <span className="sr-only" role="status">{copied ? "Copied" : ""}</span>
    </>
  );
}
