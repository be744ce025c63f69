import { ToolFailure } from '../toolset/tool-failure.ts';
import type { Hunk, HunkLine, PatchChange } from './patch-types.ts';

const begin = '*** Begin Patch';
const end = '*** End Patch';
const endOfFile = '*** End of File';
const moveTo = '*** Move to: ';
const header = /^\*\*\* (Add|Update|Delete) File:\s*(.*)$/;

/**
 * Reads a patch in the V4A form. Throws `ToolFailure` with the number of the line that is wrong. A fence or a here-document
 * around it is taken off, as models put them there.
 */
export function parsePatch(text: string): readonly PatchChange[] {
  const lines: Lines = new Lines(text);
  const changes: PatchChange[] = [];
  if (lines.peek()?.trimEnd() === begin) lines.next();
  else if (!header.test(lines.peek() ?? '')) lines.fail(`a patch begins with "${begin}"`);
  for (;;) {
    const line = lines.peek();
    if (line === undefined) {
      lines.fail(`the patch does not end with "${end}"; it may have been cut off`);
    }
    if (line.trimEnd() === end) break;
    if (line.trim() === '') {
      lines.next();
      continue;
    }
    const [, kind, path = ''] = header.exec(line.trimEnd()) ?? [];
    if (kind === undefined) {
      lines.fail(
        'here must be "*** Add File: PATH", "*** Update File: PATH", "*** Delete File: PATH" or "*** End Patch"',
      );
    }
    if (path.trim() === '') lines.fail('the path is missing');
    lines.next();
    changes.push(parseChange(lines, kind, path.trim()));
  }
  lines.next();
  lines.skipBlank();
  if (lines.peek() !== undefined) lines.fail(`nothing may follow "${end}"`);
  if (changes.length === 0) throw new ToolFailure('The patch changes nothing.');
  return changes;
}

function parseChange(lines: Lines, kind: string, path: string): PatchChange {
  if (kind === 'Delete') return { kind: 'delete', path };
  if (kind === 'Add') return { kind: 'add', path, lines: addedLines(lines) };
  const first = lines.peek() ?? '';
  const target = first.startsWith(moveTo) ? first.slice(moveTo.length).trim() : undefined;
  if (target === '') lines.fail('the path is missing');
  if (target !== undefined) lines.next();
  const hunks: Hunk[] = [];
  lines.skipBlank();
  while (!lines.atHeader()) {
    hunks.push(parseHunk(lines));
    lines.skipBlank();
  }
  if (hunks.length === 0 && target === undefined) {
    lines.fail(
      `the update of ${path} has no changes; after its header come lines that begin with @@, a space, + or -`,
    );
  }
  return { kind: 'update', path, hunks, ...(target === undefined ? {} : { moveTo: target }) };
}

function addedLines(lines: Lines): readonly string[] {
  const added: string[] = [];
  while (!lines.atHeader()) {
    const line = lines.peek() ?? '';
    if (line.startsWith('+')) added.push(line.slice(1));
    else if (line.trim() !== '') lines.fail('each line of an added file begins with +');
    // An empty line inside of the file lost its +; after its end it is only space.
    else if (lines.continues('+')) added.push('');
    lines.next();
  }
  return added;
}

function parseHunk(lines: Lines): Hunk {
  const line = lines.number;
  const anchors: string[] = [];
  while (lines.peek()?.startsWith('@@') === true) {
    const anchor = anchorOf(lines.peek() ?? '');
    if (anchor !== '') anchors.push(anchor);
    lines.next();
  }
  const found: HunkLine[] = [];
  let atEnd = false;
  for (;;) {
    const next = lines.peek();
    if (next === undefined || lines.atHeader() || next.startsWith('@@')) break;
    if (next.trimEnd() === endOfFile) {
      atEnd = true;
      lines.next();
      break;
    }
    const [kind = ''] = next;
    if (kind === ' ' || kind === '-' || kind === '+') found.push({ kind, text: next.slice(1) });
    // Editors take the space of an empty line off. After the last line of a hunk it is only space.
    else if (next.trim() === '') {
      if (!lines.continues(' ', '-', '+')) break;
      found.push({ kind: ' ', text: '' });
    } else
      lines.fail(
        'in an update each line begins with a space (kept), - (removed) or + (added), and a new place with @@',
      );
    lines.next();
  }
  if (found.length === 0) lines.fail('a hunk without lines');
  return { anchors, lines: found, atEnd, line };
}

/** The text behind `@@`, without the ranges of a unified diff. */
function anchorOf(line: string): string {
  const text = line.slice(2).replace(/^ ?-\d+(?:,\d+)? \+\d+(?:,\d+)? ?@@/, '');
  return text
    .replace(/^ /, '')
    .replace(/\s*@@$/, '')
    .trimEnd();
}

class Lines {
  readonly #lines: readonly string[];
  readonly #first: number;
  #at = 0;

  constructor(text: string) {
    const all = text.split(/\r?\n/);
    let from = 0;
    let to = all.length;
    const blank = (index: number): boolean => all[index]?.trim() === '';
    while (from < to && blank(from)) from += 1;
    while (to > from && blank(to - 1)) to -= 1;
    const opening = all[from]?.trim() ?? '';
    const delimiter = opening.startsWith('```')
      ? '```'
      : /^(?:apply_patch|cat)\b.*<<-?\s*['"]?(\w+)['"]?$/.exec(opening)?.[1];
    if (delimiter !== undefined) {
      from += 1;
      if (all[to - 1]?.trim() === delimiter) to -= 1;
    }
    this.#lines = all.slice(from, to);
    this.#first = from + 1;
  }

  /** Number of the current line in the text that was given. */
  get number(): number {
    return this.#first + this.#at;
  }

  peek(): string | undefined {
    return this.#lines[this.#at];
  }

  next(): void {
    this.#at += 1;
  }

  skipBlank(): void {
    while (this.peek()?.trim() === '' && !this.peek()?.startsWith(' ')) this.next();
  }

  /** Whether the change ends here: at the next one, or with the patch. */
  atHeader(): boolean {
    const line = this.peek();
    if (line === undefined) return true;
    return line.trimEnd() === end || header.test(line);
  }

  /** Whether the next line that is not empty begins with one of these. */
  continues(...starts: readonly string[]): boolean {
    const next = this.#lines.slice(this.#at).find((line) => line.length > 0);
    return next !== undefined && starts.some((start) => next.startsWith(start));
  }

  fail(what: string): never {
    const line = this.peek();
    const where = line === undefined ? 'at its end' : `at line ${this.number}`;
    const shown = line === undefined ? '' : `\n${line.slice(0, 200)}`;
    throw new ToolFailure(`The patch cannot be read ${where}: ${what}.${shown}`);
  }
}
