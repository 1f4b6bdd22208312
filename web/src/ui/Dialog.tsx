// A modal dialog on the browser's own <dialog>: focus stays inside, Escape closes, focus returns to where it was. A
// library would inject an inline style sheet, which the content policy refuses.
import { useEffect, useId, useRef, type ReactNode } from "react";
import { Button } from "./Button";

const FIRST = "input:not([type=radio], [type=checkbox]), select, textarea";

type Props = { open: boolean; onClose: () => void; title: string; children: ReactNode; className?: string; bare?: boolean };

export function Dialog({ open, onClose, title, children, className = "", bare = false }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog) return;
    if (open && !dialog.open) {
      dialog.showModal();
      // By itself the browser would focus the close button, which stands first.
      (dialog.querySelector<HTMLElement>("[data-first]") ?? dialog.querySelector<HTMLElement>(FIRST))?.focus();
    }
    if (!open && dialog.open) dialog.close();
  }, [open]);
  return (
    <dialog
      ref={ref}
      className={`dialog ${className}`}
      aria-labelledby={titleId}
      onClose={onClose}
      onCancel={(event) => { event.preventDefault(); onClose(); }}
      onMouseDown={(event) => { if (event.target === ref.current) onClose(); }}
    >
      {open ? (
        <div className="dialog-panel">
          <div className={bare ? "sr-only" : "dialog-head"}>
            <h2 id={titleId}>{title}</h2>
            {bare ? null : <Button look="quiet" icon="cross" aria-label="Close" onClick={onClose} />}
          </div>
          {children}
        </div>
      ) : null}
    </dialog>
  );
}

type ConfirmProps = {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  verb: string;
  keep?: string;
  busy?: boolean;
  /** What is confirmed can be taken back, so its button does not warn. */
  mild?: boolean;
  onConfirm: () => void;
};

/** Says what will and will not happen; both answers are the same size. */
export function Confirm({ open, onClose, title, children, verb, keep = "Keep it", busy = false, mild = false, onConfirm }: ConfirmProps) {
  return (
    <Dialog open={open} onClose={onClose} title={title} className="dialog-small">
      <div className="dialog-body">{children}</div>
      <div className="dialog-foot dialog-foot-even">
        <Button data-first onClick={onClose}>{keep}</Button>
        <Button look={mild ? "primary" : "danger"} busy={busy} onClick={onConfirm}>{verb}</Button>
      </div>
    </Dialog>
  );
}
