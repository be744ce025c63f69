import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** The editor's look, by the variables of the page: it follows the scheme by itself. */
export const editorTheme: Extension = [
  EditorView.theme({
    '&': { height: '100%', fontSize: '13px', color: 'var(--mantine-color-text)' },
    '&.cm-focused': { outline: 'none' },
    '.cm-scroller': {
      fontFamily: 'var(--mantine-font-family-monospace)',
      fontVariantLigatures: 'none',
      lineHeight: '1.6',
    },
    '.cm-content': { padding: '8px 0', caretColor: 'var(--mantine-color-text)' },
    '.cm-cursor': { borderLeftColor: 'var(--mantine-color-text)' },
    '.cm-gutters': {
      background: 'transparent',
      border: 'none',
      color: 'var(--mantine-color-dimmed)',
    },
    '.cm-activeLine': { background: 'color-mix(in srgb, var(--sunken) 70%, transparent)' },
    '.cm-activeLineGutter': { background: 'transparent', color: 'var(--mantine-color-text)' },
    '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': {
      background:
        'color-mix(in srgb, var(--mantine-primary-color-filled) 28%, transparent) !important',
    },
    '.cm-tooltip': {
      border: '1px solid var(--line)',
      borderRadius: '8px',
      background: 'var(--panel)',
      color: 'var(--mantine-color-text)',
      boxShadow: 'var(--mantine-shadow-md)',
      overflow: 'hidden',
    },
    '.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mantine-font-family-monospace)' },
    '.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px' },
    '.cm-tooltip-autocomplete > ul > li[aria-selected]': {
      background: 'var(--mantine-primary-color-filled)',
      color: '#fff',
    },
    '.cm-completionDetail': { color: 'inherit', opacity: '0.8', fontStyle: 'normal' },
    '.cm-diagnostic': { padding: '6px 10px', borderLeft: '3px solid var(--bad)' },
    '.cm-lintRange-error': {
      backgroundImage: 'none',
      textDecoration: 'underline wavy var(--bad) 1px',
      textUnderlineOffset: '3px',
    },
  }),
  syntaxHighlighting(
    HighlightStyle.define([
      { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--code-name)' },
      { tag: [tags.keyword, tags.bool, tags.null], color: 'var(--code-word)' },
      { tag: [tags.string, tags.content], color: 'var(--code-text)' },
      { tag: [tags.number], color: 'var(--code-number)' },
      { tag: [tags.comment], color: 'var(--mantine-color-dimmed)' },
      { tag: [tags.punctuation, tags.separator], color: 'var(--mantine-color-dimmed)' },
    ]),
  ),
];
