import type { ClinicalRecord } from './guest/record.ts';

/** Text of a document or a guest, without the control characters that could drive a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD');
}

/** Columns that a text takes on a terminal: East Asian wide characters and emoji take two. */
export function columns(text: string): number {
  const wide =
    /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}|[\uFF01-\uFF60]/u;
  const segments = new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text);
  return [...segments].reduce((sum, { segment }) => sum + (wide.test(segment) ? 2 : 1), 0);
}

/** The patient's first name in a record as people write it. */
export function patientName({ patient }: ClinicalRecord): string {
  const [name] = patient.names;
  if (name === undefined) return '(no name)';
  const parts = [...name.prefixes, ...name.given, ...name.family, ...name.suffixes];
  return printable((parts.length > 0 ? parts : [name.text]).map((part) => part?.value).join(' '));
}
