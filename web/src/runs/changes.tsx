// Buttons that change something, with the question that stands before it: what will and what will not happen, in words.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState, type FormEvent, type ReactNode } from "react";
import { useKeys } from "../lib/keys";
import { Button } from "../ui/Button";
import { Confirm, Dialog } from "../ui/Dialog";
import { AreaField } from "../ui/Field";
import type { IconName } from "../ui/Icon";
import { Failure } from "../ui/States";

/** What a change of runs, approvals, queues, schedules, budgets or models may have touched. */
const TOUCHED = ["runs", "approvals", "queues", "schedules", "budgets", "models"];

/** What was touched is read anew once `onDone` is through, so that nobody reads what they have just removed. */
export function useChange<R, T = void>(call: (input: T) => Promise<R>, onDone: (result: R) => void | Promise<void>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: call,
    // Also after a refusal: it mostly means that things have moved on meanwhile. Nobody waits for the reading: an error
    // is shown at once.
    onSettled: () => { for (const touched of TOUCHED) void client.invalidateQueries({ queryKey: [touched] }); },
    onSuccess: onDone,
  });
}

type AskedProps<R> = {
  button: string;
  icon: IconName;
  look?: "default" | "primary" | "quiet";
  title: string;
  text: ReactNode;
  verb: string;
  keep: string;
  failed: string;
  mild?: boolean;
  shown?: boolean;
  call: () => Promise<R>;
  onDone?: (result: R) => void | Promise<void>;
};

/** A button, and behind it a question that is answered with yes or no. */
export function Asked<R>({ button, icon, look = "default", title, text, verb, keep, failed, mild = false, shown = true, call, onDone }: AskedProps<R>) {
  const [asking, setAsking] = useState(false);
  const change = useChange(call, (result: R) => { setAsking(false); return onDone?.(result); });
  return (
    <>
      {shown ? <Button icon={icon} look={look} onClick={() => { change.reset(); setAsking(true); }}>{button}</Button> : null}
      <Confirm mild={mild} open={asking} onClose={() => setAsking(false)} title={title} keep={keep} verb={verb} busy={change.isPending} onConfirm={() => change.mutate()}>
        <p>{text}</p>
        {change.isError ? <Failure error={change.error} what={failed} lost="It stands as it stood." change /> : null}
      </Confirm>
    </>
  );
}

type WordsProps = {
  button: string;
  icon: IconName;
  title: string;
  text: ReactNode;
  label: string;
  needed: boolean;
  limit: number;
  verb: string;
  keep: string;
  failed: string;
  mild?: boolean;
  shown?: boolean;
  /** The key that asks. */
  keys?: string;
  call: (words: string) => Promise<unknown>;
};

/** A button, and behind it a question that takes a reason or a comment. */
export function WithWords({ button, icon, title, shown = true, keys, ...form }: WordsProps) {
  const [asking, setAsking] = useState(false);
  useKeys(useMemo(() => (keys && shown ? [{ keys, run: () => setAsking(true) }] : []), [keys, shown]));
  return (
    <>
      {shown ? <Button icon={icon} {...(keys ? { hint: keys.toUpperCase() } : {})} onClick={() => setAsking(true)}>{button}</Button> : null}
      <Dialog open={asking} onClose={() => setAsking(false)} title={title} className="dialog-small"><WordsForm {...form} onClose={() => setAsking(false)} /></Dialog>
    </>
  );
}

function WordsForm({ text, label, needed, limit, verb, keep, failed, mild = false, call, onClose }: Omit<WordsProps, "button" | "icon" | "title" | "shown" | "keys"> & { onClose: () => void }) {
  const [words, setWords] = useState("");
  const [missing, setMissing] = useState(false);
  const change = useChange(call, onClose);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const given = words.trim();
    setMissing(needed && given === "");
    if (!needed || given !== "") change.mutate(given);
  };
  return (
    <form className="dialog-form" onSubmit={submit} noValidate>
      <div className="quiet">{text}</div>
      <AreaField label={label} value={words} maxLength={limit} error={missing ? "Give a reason; others will read it." : null} onChange={(event) => setWords(event.target.value)} onKeyDown={(event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit(); }} />
      {change.isError ? <Failure error={change.error} what={failed} lost="Your words are still here." change /> : null}
      <div className="dialog-foot dialog-foot-two">
        <Button onClick={onClose}>{keep}</Button>
        <Button type="submit" {...(needed ? {} : { "data-first": true })} look={mild ? "primary" : "danger"} busy={change.isPending}>{verb}</Button>
      </div>
    </form>
  );
}
