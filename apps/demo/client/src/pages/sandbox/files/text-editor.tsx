import { yaml } from '@codemirror/lang-yaml';
import { EditorView, keymap } from '@codemirror/view';
import { type ReactNode, useEffect, useMemo, useRef } from 'react';
import { CodeEditor } from '../../../parts/code-editor.tsx';

/** A text file in an editor. Ctrl-S saves. */
export function TextEditor({
  path,
  value,
  onChange,
  onSave,
}: {
  path: string;
  value: string;
  onChange: (text: string) => void;
  onSave: (text: string) => void;
}): ReactNode {
  const save = useRef(onSave);
  useEffect(() => {
    save.current = onSave;
  });
  const extensions = useMemo(
    () => [
      /\.(?:ya?ml|json)$/.test(path) ? yaml() : [],
      EditorView.lineWrapping,
      keymap.of([
        {
          key: 'Mod-s',
          preventDefault: true,
          run: (view) => {
            save.current(view.state.doc.toString());
            return true;
          },
        },
      ]),
    ],
    [path],
  );
  return (
    <CodeEditor
      label={`Contents of ${path}`}
      value={value}
      extensions={extensions}
      onChange={onChange}
    />
  );
}
