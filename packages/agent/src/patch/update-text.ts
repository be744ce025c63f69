import type { Hunk } from './patch-types.ts';
import { nearestLines, seekAnchor, seekLines } from './seek-lines.ts';

/** What became of a text, and what kept hunks from fitting. */
export interface UpdatedText {
  readonly text: string;
  /** One for each hunk that does not fit. The text is of use only where there is none. */
  readonly problems: readonly string[];
  /** One for each hunk that fits only with a difference looked over. */
  readonly notes: readonly string[];
}

interface Line {
  readonly text: string;
  /** `\n`, `\r\n`, or nothing at the end of the file. */
  readonly end: string;
}

/** Applies hunks in order. Kept lines stay as the file has them; added ones end as the file's own do. */
export function updateText(before: string, hunks: readonly Hunk[]): UpdatedText {
  const lines = split(before);
  const texts = lines.map(({ text }) => text);
  const ending = lines[0]?.end === '\r\n' ? '\r\n' : '\n';
  const result: Line[] = [];
  const problems: string[] = [];
  const notes: string[] = [];
  let cursor = 0;
  for (const [number, hunk] of hunks.entries()) {
    const name = `Hunk ${number + 1} (line ${hunk.line} of the patch)`;
    const wanted = hunk.lines.filter(({ kind }) => kind !== '+').map(({ text }) => text);
    const place = locate(texts, hunk, wanted, cursor);
    if ('problem' in place) {
      problems.push(`${name}: ${place.problem}`);
      continue;
    }
    if (place.tolerance > 0) {
      const what = place.tolerance < 3 ? 'whitespace' : 'whitespace or typographic signs';
      notes.push(`${name} fits at line ${place.index + 1} but for ${what}.`);
    }
    result.push(...lines.slice(cursor, place.index));
    let at = place.index;
    for (const { kind, text } of hunk.lines) {
      if (kind === '+') result.push({ text, end: ending });
      else {
        const old = lines[at];
        if (kind === ' ' && old) result.push(old);
        at += 1;
      }
    }
    cursor = at;
  }
  result.push(...lines.slice(cursor));
  return { text: join(result, ending, lines.at(-1)?.end === ''), problems, notes };
}

type Place = { readonly index: number; readonly tolerance: number } | { readonly problem: string };

function locate(
  texts: readonly string[],
  { anchors, atEnd }: Hunk,
  wanted: readonly string[],
  cursor: number,
): Place {
  let from = cursor;
  let anchored: number | undefined;
  for (const anchor of anchors) {
    const index = seekAnchor(texts, anchor, from);
    if (index === undefined) {
      const earlier = from > 0 ? seekAnchor(texts, anchor, 0) : undefined;
      const where =
        earlier === undefined
          ? 'nowhere in the file'
          : `only at line ${earlier + 1}, before the place that the patch has come to; order the hunks as the file is`;
      return { problem: `the line behind @@ is ${where}: ${JSON.stringify(anchor)}` };
    }
    anchored = index;
    from = index + 1;
  }
  if (wanted.length === 0) {
    const index = atEnd || anchored === undefined ? texts.length : from;
    return { index, tolerance: 0 };
  }
  // The line that a hunk is found by may be its first line too.
  const found =
    seekLines(texts, wanted, from, atEnd) ??
    (anchored === undefined ? undefined : seekLines(texts, wanted, anchored, atEnd));
  return found ?? { problem: mismatch(texts, wanted, from) };
}

function mismatch(texts: readonly string[], wanted: readonly string[], from: number): string {
  const anywhere = seekLines(texts, wanted, 0, false);
  if (anywhere) {
    return `its lines are at line ${anywhere.index + 1}, before line ${from + 1}, which the patch has come to; order the hunks as the file is, and mind that the file may have the lines only once`;
  }
  const near = nearestLines(texts, wanted);
  if (!near) {
    return `none of its kept and removed lines is in the file, beginning with ${JSON.stringify(wanted[0])}; read the file again`;
  }
  const line = near.index + near.differs;
  const there = texts[line];
  const has =
    there === undefined ? 'the file ends there' : `the file has    ${JSON.stringify(there)}`;
  return `its kept and removed lines are not in the file. The closest place begins at line ${near.index + 1}; line ${line + 1} differs:\n  the patch has   ${JSON.stringify(wanted[near.differs])}\n  ${has}`;
}

function split(text: string): readonly Line[] {
  return [...text.matchAll(/([^\n]*?)(\r?\n|$)/g)]
    .map(([, line = '', end = '']) => ({ text: line, end }))
    .filter(({ text: line, end }, index, all) => !(index === all.length - 1 && line + end === ''));
}

/** Every line but the last gets an end; the last has one unless the file had none there. */
function join(lines: readonly Line[], ending: string, open: boolean): string {
  return lines
    .map(({ text, end }, index) => {
      if (index === lines.length - 1 && open) return text;
      return text + (end === '' ? ending : end);
    })
    .join('');
}
