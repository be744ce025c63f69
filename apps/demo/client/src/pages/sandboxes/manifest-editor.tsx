import { autocompletion, completionKeymap } from '@codemirror/autocomplete';
import { yaml } from '@codemirror/lang-yaml';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import type { Text } from '@codemirror/state';
import { type EditorView, keymap } from '@codemirror/view';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import type { ManifestProblem } from '../../../../src/protocol/manifests.ts';
import { get } from '../../app/api.ts';
import { CodeEditor } from '../../parts/code-editor.tsx';
import type { Schema } from './manifest-place.ts';
import { completeManifest } from './schema-completion.ts';

/** The editor of a manifest: completion from the published schema, and what the server finds wrong, where it is. */
export default function ManifestEditor({
  value,
  problems,
  onChange,
}: {
  value: string;
  problems: readonly ManifestProblem[];
  onChange: (value: string) => void;
}): ReactNode {
  const [view, setView] = useState<EditorView>();
  const { data: schema } = useQuery({
    queryKey: ['manifest', 'schema'],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => get<Schema>('/api/manifest/schema', signal),
  });
  const known = useRef<Schema>(undefined);
  useEffect(() => {
    known.current = schema;
  }, [schema]);
  const extensions = useMemo(
    () => [
      yaml(),
      lintGutter(),
      autocompletion({
        activateOnTyping: true,
        icons: false,
        override: [
          (context) =>
            known.current === undefined ? null : completeManifest(known.current, context),
        ],
      }),
      keymap.of(completionKeymap),
    ],
    [],
  );
  useEffect(() => {
    if (view === undefined) return;
    const diagnostics = problems.map((problem) => diagnostic(view.state.doc, problem));
    view.dispatch(setDiagnostics(view.state, diagnostics));
  }, [view, problems]);
  return (
    <CodeEditor
      label="Manifest"
      value={value}
      extensions={extensions}
      onChange={onChange}
      onView={setView}
    />
  );
}

/** From the place of a problem to the end of its line; a problem without a place is the first line's. */
function diagnostic(text: Text, { line, column, path, message }: ManifestProblem): Diagnostic {
  const at = text.line(Math.min(Math.max(line ?? 1, 1), text.lines));
  const indent = at.text.length - at.text.trimStart().length;
  const from = Math.min(at.from + (column === undefined ? indent : column - 1), at.to);
  return {
    from,
    to: Math.max(from, at.to),
    severity: 'error',
    message: path === '' ? message : `${path}: ${message}`,
  };
}
