import { type ReactNode, useEffect, useMemo, useRef } from 'react';
import type { ExtractedField } from '../../../../src/protocol/runs.ts';
import { segmentsOf } from './segments.ts';
import classes from './page.module.css';

/** A document with every place marked that a value was read from; the selected one is in view. */
export function SourceText({
  source,
  fields,
  selected,
  onSelect,
}: {
  source: ArrayBuffer;
  fields: readonly ExtractedField[];
  selected: ExtractedField | undefined;
  onSelect: (path: string) => void;
}): ReactNode {
  const segments = useMemo(() => segmentsOf(source, fields), [source, fields]);
  const frame = useRef<HTMLPreElement>(null);
  useEffect(() => {
    const mark = frame.current?.querySelector<HTMLElement>('mark[data-selected]');
    const box = frame.current;
    if (!mark || !box) return;
    // Only the source scrolls, never the page.
    const top = mark.offsetTop - box.offsetTop - box.clientHeight / 3;
    box.scrollTo({ top: Math.max(0, top), left: 0 });
  }, [selected]);
  return (
    <pre ref={frame} className={classes.source} tabIndex={0} aria-label="The document">
      {segments.map(({ start, text, fields: here }) => {
        const [first] = here;
        if (!first) return text;
        const isSelected = selected !== undefined && here.includes(selected);
        return (
          <mark
            key={start}
            data-selected={isSelected || undefined}
            title={here.map(({ path }) => path).join('\n')}
            onClick={() => {
              onSelect(first.path);
            }}
          >
            {text}
          </mark>
        );
      })}
    </pre>
  );
}
