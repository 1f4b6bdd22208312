// The question box. Enter asks, Shift+Enter breaks the line, Arrow up in an empty box brings the last question back.
import { useImperativeHandle, useLayoutEffect, useRef, useState, type KeyboardEvent, type Ref } from "react";
import { Button } from "../ui/Button";

const MAX_HEIGHT_PX = 200;

export type ComposerHandle = {
  focus: () => void;
  /** Puts a question in the box to be changed, with one part of it selected. */
  edit: (text: string, part?: string) => void;
};

type Props = {
  onAsk: (message: string) => void;
  last?: string | undefined;
  working: boolean;
  onStop: () => void;
  placeholder: string;
  ref: Ref<ComposerHandle>;
};

export function Composer({ onAsk, last, working, onStop, placeholder, ref }: Props) {
  const [text, setText] = useState("");
  const box = useRef<HTMLTextAreaElement>(null);
  const selection = useRef<[number, number] | null>(null);

  useImperativeHandle(ref, () => ({
    focus: () => box.current?.focus(),
    edit: (next, part) => {
      const at = part ? next.toLowerCase().indexOf(part.toLowerCase()) : -1;
      selection.current = at < 0 ? [0, next.length] : [at, at + (part?.length ?? 0)];
      setText(next);
      box.current?.focus();
    },
  }), []);

  useLayoutEffect(() => {
    const area = box.current;
    if (!area) return;
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, MAX_HEIGHT_PX)}px`;
    if (selection.current) area.setSelectionRange(...selection.current);
    selection.current = null;
  }, [text]);

  const send = (): void => {
    const message = text.trim();
    if (!message) return;
    setText("");
    onAsk(message);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    // With Alt it runs the dear query that waits.
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      if (!working) send();
    } else if (event.key === "ArrowUp" && text === "" && last) {
      event.preventDefault();
      setText(last);
    } else if (event.key === "Escape") {
      if (working) onStop();
      else box.current?.blur();
    }
  };

  return (
    <form className="composer" onSubmit={(event) => { event.preventDefault(); send(); }}>
      <label htmlFor="question" className="sr-only">Your question</label>
      <textarea
        id="question" ref={box} rows={1} value={text} placeholder={placeholder} maxLength={8_000}
        autoComplete="off" enterKeyHint="send"
        onChange={(event) => setText(event.target.value)} onKeyDown={onKeyDown}
      />
      {working
        ? <Button look="default" icon="stop" className="composer-send" aria-label="Stop this question" onClick={onStop} />
        : <Button look="primary" icon="send" className="composer-send" aria-label="Ask" type="submit" disabled={text.trim() === ""} />}
    </form>
  );
}
