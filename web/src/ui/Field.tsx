// A labelled form field with its help and its error tied to it for screen readers.
import { useId, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes } from "react";

type Common = { label: string; help?: ReactNode; error?: string | null };

function Frame({ id, label, help, error, children }: Common & { id: string; children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {help ? <p id={`${id}-help`} className="field-help">{help}</p> : null}
      {error ? <p id={`${id}-error`} className="field-error" role="alert">{error}</p> : null}
    </div>
  );
}

function described(id: string, help: unknown, error: unknown): { "aria-describedby"?: string; "aria-invalid"?: true } {
  const ids = [help ? `${id}-help` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
  return { ...(ids ? { "aria-describedby": ids } : {}), ...(error ? { "aria-invalid": true } : {}) };
}

export function TextField({ label, help, error = null, ...input }: Common & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} help={help} error={error}>
      <input id={id} className="input" spellCheck={false} {...input} {...described(id, help, error)} />
    </Frame>
  );
}

export function SelectField({ label, help, error = null, children, ...select }: Common & SelectHTMLAttributes<HTMLSelectElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} help={help} error={error}>
      <select id={id} className="input" {...select} {...described(id, help, error)}>{children}</select>
    </Frame>
  );
}

export function AreaField({ label, help, error = null, ...area }: Common & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} help={help} error={error}>
      <textarea id={id} className="input" rows={3} {...area} {...described(id, help, error)} />
    </Frame>
  );
}
