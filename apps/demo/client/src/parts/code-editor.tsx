import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language';
import { EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { type ReactNode, useEffect, useRef } from 'react';
import { editorTheme } from './editor-theme.ts';

/**
 * A text editor that fills its place. `extensions` count once, when it is first shown; `key` makes a new one.
 * Tab moves on, as everywhere, so that nobody is caught in it.
 */
export function CodeEditor({
  label,
  value,
  extensions,
  onChange,
  onView,
}: {
  label: string;
  value: string;
  extensions: Extension;
  onChange?: (value: string) => void;
  /** Called with the view when there is one. */
  onView?: (view: EditorView) => void;
}): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef({ onChange, onView, label, value, extensions });
  useEffect(() => {
    latest.current = { onChange, onView, label, value, extensions };
  });
  useEffect(() => {
    const { current: parent } = place;
    if (parent === null) return undefined;
    const first = latest.current;
    const editor = new EditorView({
      parent,
      state: EditorState.create({
        doc: first.value,
        extensions: [
          lineNumbers(),
          highlightActiveLineGutter(),
          highlightSpecialChars(),
          history(),
          drawSelection(),
          indentOnInput(),
          indentUnit.of('  '),
          bracketMatching(),
          highlightActiveLine(),
          EditorView.contentAttributes.of({ 'aria-label': first.label }),
          EditorState.readOnly.of(first.onChange === undefined),
          keymap.of([...defaultKeymap, ...historyKeymap]),
          editorTheme,
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange?.(update.state.doc.toString());
          }),
          first.extensions,
        ],
      }),
    });
    view.current = editor;
    first.onView?.(editor);
    return () => {
      editor.destroy();
      view.current = null;
    };
  }, []);
  useEffect(() => {
    const editor = view.current;
    // A value from elsewhere replaces the text; the editor's own changes come back equal.
    if (editor === null || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);
  return <div ref={place} style={{ height: '100%' }} />;
}
