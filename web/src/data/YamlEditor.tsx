// CodeMirror for YAML. It lives in a shadow root: there its styles become adopted style sheets, which the content policy
// allows, where in the page itself they would be an inline <style>, which it refuses.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, StateEffect, StateField, type Extension } from "@codemirror/state";
import { Decoration, EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers, type DecorationSet } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";

type Props = { label: string; value: string; onChange: (value: string) => void; errorLine: number | null; readOnly: boolean; onSave: () => void };

const markLine = StateEffect.define<number | null>();
const errorLines = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(markLine)) continue;
      const line = effect.value;
      if (line === null || line < 1 || line > transaction.state.doc.lines) return Decoration.none;
      return Decoration.set([Decoration.line({ class: "cm-error-line" }).range(transaction.state.doc.line(line).from)]);
    }
    return marks.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--syntax-keyword)" },
  { tag: [tags.string, tags.content], color: "var(--syntax-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--syntax-number)" },
  { tag: tags.comment, color: "var(--text-2)", fontStyle: "italic" },
]);

const look = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "13px", border: "1px solid var(--line)", borderRadius: "6px", overflow: "hidden" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px", minHeight: "320px", maxHeight: "64vh" },
  ".cm-content": { padding: "8px 0", caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface-2)", color: "var(--text-2)", border: "none", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--selection) !important" },
  ".cm-error-line": { backgroundColor: "var(--bad-bg) !important", boxShadow: "inset 3px 0 0 var(--bad)" },
});

const editable = new Compartment();
const permission = (readOnly: boolean): Extension => [EditorState.readOnly.of(readOnly), EditorView.editable.of(!readOnly)];

export default function YamlEditor({ label, value, onChange, errorLine, readOnly, onSave }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  // What was told and has not come back as `value` yet. While the page is busy an older text may come back after a newer one was
  // typed: that is no change from outside, and must not undo what was typed.
  const told = useRef<string[]>([]);
  const latest = useRef({ onChange, onSave });
  latest.current = { onChange, onSave };

  useEffect(() => {
    if (!host.current) return;
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: "open" });
    const editor = new EditorView({
      root, parent: root,
      state: EditorState.create({
        doc: value,
        extensions: [
          lineNumbers(), history(), drawSelection(), highlightActiveLine(), yaml(), syntaxHighlighting(colours), errorLines, look,
          keymap.of([{ key: "Mod-s", preventDefault: true, run: () => { latest.current.onSave(); return true; } }, ...defaultKeymap, ...historyKeymap, indentWithTab]),
          // The stop for the Tab key also where reading is all that is allowed, so that it can be scrolled by keys.
          EditorView.contentAttributes.of({ tabindex: "0", "aria-label": `${label}, YAML. Press Escape and then Tab to leave the editor.` }),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return;
            const text = update.state.doc.toString();
            told.current.push(text);
            latest.current.onChange(text);
          }),
          editable.of(permission(readOnly)),
        ],
      }),
    });
    view.current = editor;
    return () => { editor.destroy(); view.current = null; };
    // The editor keeps its own text after this; the effects below hand it what changes from outside.
  }, []);

  useEffect(() => {
    const editor = view.current;
    const own = told.current.lastIndexOf(value);
    told.current.splice(0, own + 1);
    if (own >= 0 || !editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
    told.current = [];
  }, [value]);
  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const effects: StateEffect<unknown>[] = [markLine.of(errorLine)];
    if (errorLine !== null && errorLine >= 1 && errorLine <= editor.state.doc.lines) effects.push(EditorView.scrollIntoView(editor.state.doc.line(errorLine).from, { y: "center" }));
    editor.dispatch({ effects });
  }, [errorLine]);
  useEffect(() => view.current?.dispatch({ effects: editable.reconfigure(permission(readOnly)) }), [readOnly]);

  return <div ref={host} className="editor" />;
}
