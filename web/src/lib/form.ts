// What the forms share: faults by the names that the server gives the fields, and going to the first of them.
import { useEffect, useRef, type RefObject } from "react";

/** What is wrong, by the names that the server gives the fields. */
export type Errors = Readonly<Record<string, string>>;

export const hasErrors = (errors: Errors): boolean => Object.keys(errors).length > 0;

/** A whole number that is not negative; null of any other text. */
export const whole = (text: string): number | null => (/^\d{1,9}$/.test(text.trim()) ? Number(text) : null);

/** The form's element; whenever `tried` changes to something that was refused, the first wrong field has the focus. */
export function useFirstWrong(tried: unknown): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => { if (tried) form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus(); }, [tried]);
  return form;
}
