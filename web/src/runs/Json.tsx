// JSON for reading: laid out, copied whole, and shown up to what a browser draws without a pause.
import { useState } from "react";
import { formatBytes } from "../lib/format";
import { CopyButton } from "../ui/Button";
import { Icon } from "../ui/Icon";

const MAX_SHOWN_CHARS = 50_000;

export function JsonBlock({ value, label, name }: { value: unknown; label: string; name: string }) {
  const text = JSON.stringify(value, null, 2);
  const cut = text.length > MAX_SHOWN_CHARS;
  return (
    <div className="json">
      <div className="sql-head"><p className="label">{label}</p><CopyButton text={text} /></div>
      <pre className="code" tabIndex={0} aria-label={name}><code>{cut ? text.slice(0, MAX_SHOWN_CHARS) : text}</code></pre>
      {cut ? <p className="hint">The first {formatBytes(MAX_SHOWN_CHARS)} of {formatBytes(text.length)}; copying takes all of it.</p> : null}
    </div>
  );
}

/** Folded until somebody wants to see it. */
export function JsonFold({ value, label }: { value: unknown; label: string }) {
  const [open, setOpen] = useState(false);
  if (value === null || value === undefined) return null;
  return (
    <div className="json-fold">
      <button type="button" className="fold fold-head" aria-expanded={open} onClick={() => setOpen(!open)}><Icon name={open ? "down" : "right"} size={12} />{label}</button>
      {open ? <JsonBlock value={value} label="JSON" name={label} /> : null}
    </div>
  );
}
