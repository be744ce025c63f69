import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePatch } from './parse-patch.ts';
import { updateText, type UpdatedText } from './update-text.ts';

/** Hunks as they are written in a patch, applied to a text. */
function update(before: string, hunks: string): UpdatedText {
  const [change] = parsePatch(`*** Begin Patch\n*** Update File: f\n${hunks}\n*** End Patch`);
  if (change?.kind !== 'update') throw new Error('no update');
  return updateText(before, change.hunks);
}

function updated(before: string, hunks: string): string {
  const { text, problems } = update(before, hunks);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return text;
}

describe('places', () => {
  const twice = 'class A:\n  def f():\n    return 1\n\nclass B:\n  def f():\n    return 1\n';

  test('the first place that fits, or the one that the line behind @@ leads to', () => {
    const change = '-    return 1\n+    return 2';
    expect(updated(twice, `@@\n${change}`)).toBe(twice.replace('return 1', 'return 2'));
    const second = 'class A:\n  def f():\n    return 1\n\nclass B:\n  def f():\n    return 2\n';
    expect(updated(twice, `@@ class B:\n@@   def f():\n${change}`)).toBe(second);
    expect(updated(twice, `@@ class B\n${change}`)).toBe(second);
    expect(updated(twice, `@@ -5,3 +5,3 @@ class B:\n${change}`)).toBe(second);
    expect(updated(twice, `${change}\n*** End of File`)).toBe(second);
  });

  test('additions alone go behind the line that is named, or to the end', () => {
    expect(updated('a\nb\n', '@@ a\n+x')).toBe('a\nx\nb\n');
    expect(updated('a\nb\n', '+x')).toBe('a\nb\nx\n');
    expect(updated('', '+x')).toBe('x\n');
    expect(updated('a', '+x')).toBe('a\nx');
  });

  test('differences in whitespace and signs are looked over last, and told; kept lines stay', () => {
    const before = 'if (x)  \n\treturn \u201Cdone\u201D;\n';
    const { text, notes } = update(before, '@@\n if (x)\n-  return "done";\n+\treturn 1;');
    expect(text).toBe('if (x)  \n\treturn 1;\n');
    expect(notes).toEqual([expect.stringContaining('whitespace or typographic signs')]);
    expect(updated('a \na\n', '-a\n+b')).toBe('a \nb\n');
  });

  test('line ends and a missing last one stay as they are', () => {
    expect(updated('a\r\nb\r\nc', ' a\n-b\n+x\n+y\n c')).toBe('a\r\nx\r\ny\r\nc');
    expect(updated('a\nb', ' a\n-b')).toBe('a');
    expect(updated('a\nb\n', '-a\n-b')).toBe('');
  });

  test('what does not fit is told with the place that comes closest', () => {
    const { problems } = update(
      'one\ntwo\nthree\nfour\n',
      '@@\n one\n-2\n three\n@@\n-nothing like it',
    );
    expect(problems).toEqual([
      expect.stringMatching(
        /^Hunk 1 \(line 3 .*begins at line 1; line 2 differs:[^]*"2"[^]*"two"$/,
      ),
      expect.stringMatching(
        /^Hunk 2 \(line 7 .*none of its .* is in the file, beginning with "nothing like it"/,
      ),
    ]);
    expect(update('a\nb\n', '@@\n-b\n@@\n-a').problems[0]).toContain('at line 1, before line 3');
    expect(update('a\nb\n', '@@ c\n-b').problems[0]).toContain('nowhere in the file: "c"');
    expect(update('a\nb\n', ' b\n-c').problems[0]).toContain('the file ends there');
  });
});

describe('reading', () => {
  test.each([
    ['', 'a patch begins with'],
    ['*** Begin Patch\n*** End Patch', 'changes nothing'],
    ['*** Begin Patch\n*** Update File: a\n-x', 'may have been cut off'],
    ['*** Begin Patch\n*** Update File: \n-x\n*** End Patch', 'at line 2: the path is missing'],
    [
      '*** Begin Patch\n*** Update File: a\n*** End Patch',
      'at line 3: the update of a has no changes',
    ],
    [
      '*** Begin Patch\n*** Update File: a\n@@\nx\n*** End Patch',
      'at line 4: in an update each line',
    ],
    ['*** Begin Patch\n*** Add File: a\nx\n*** End Patch', 'at line 3: each line of an added file'],
    ['*** Begin Patch\nhello\n*** End Patch', 'at line 2: here must be'],
    ['*** Begin Patch\n*** Delete File: a\n*** End Patch\nmore', 'at line 4: nothing may follow'],
  ])('%j is refused', (text, message) => {
    expect(() => parsePatch(text)).toThrow(message);
  });

  test('a fence, a here-document, blank lines and a lost space are no matter', () => {
    const inner =
      '*** Begin Patch\n\n*** Update File: a\n@@\n x\n\n-y\n\n*** Delete File: b\n\n*** End Patch\n';
    const plain = parsePatch(inner);
    expect(plain).toMatchObject([
      { hunks: [{ lines: [{}, { kind: ' ', text: '' }, {}] }] },
      { path: 'b' },
    ]);
    const shape = (text: string): unknown =>
      JSON.parse(JSON.stringify(parsePatch(text)).replaceAll(/"line":\d+/g, '"line":0'));
    expect(shape(`\`\`\`diff\n${inner}\`\`\``)).toEqual(shape(inner));
    expect(shape(`apply_patch <<'EOF'\n${inner}EOF`)).toEqual(shape(inner));
    expect(shape(inner.replaceAll('\n', '\r\n'))).toEqual(shape(inner));
    expect(shape('*** Delete File: b\n*** End Patch')).toEqual([{ kind: 'delete', path: 'b' }]);
  });
});

const lineText = fc.string({
  unit: fc.constantFrom('a', 'b', ' ', '\t', '@', '+', '-', '*', 'é', '"'),
  maxLength: 6,
});

/** A text as a list of lines that stay, go or come. */
const edits = fc.array(
  fc.record({ kind: fc.constantFrom<' ' | '-' | '+'>(' ', ' ', '-', '+'), text: lineText }),
  { minLength: 1, maxLength: 30 },
);
type Edit = { readonly kind: ' ' | '-' | '+'; readonly text: string };

function side(all: readonly Edit[], left: '+' | '-', ending: string, last: boolean): string {
  const lines = all.filter(({ kind }) => kind !== left).map(({ text }) => text);
  return lines.length === 0 ? '' : lines.join(ending) + (last ? ending : '');
}

/** The name of the error that work ends with, or `done`. */
function outcomeOf(work: () => void): string {
  try {
    work();
    return 'done';
  } catch (error) {
    return (error as Error).name;
  }
}

describe('properties', () => {
  test('a patch with the whole file as its context makes one text of the other', () => {
    fc.assert(
      fc.property(edits, fc.constantFrom('\n', '\r\n'), fc.boolean(), (all, ending, last) => {
        const before = side(all, '+', ending, last);
        // An empty text tells neither its line ends nor whether it has a last one; nor does one line tell how others end.
        fc.pre(before.includes('\n') && !(before === ending) && (last || !before.endsWith('\n')));
        const hunk = all.map(({ kind, text }) => kind + text).join('\n');
        expect(updated(before, `@@\n${hunk}\n*** End of File`)).toBe(side(all, '-', ending, last));
      }),
      { numRuns: 500 },
    );
  });

  test('hunks with three lines around them find their places among lines that differ', () => {
    fc.assert(
      fc.property(edits, (plain) => {
        const all = plain.map(({ kind, text }, index) => ({ kind, text: `${index}:${text}` }));
        const shown = all.map(
          ({ kind }, index) =>
            kind !== ' ' ||
            all.slice(Math.max(0, index - 3), index + 4).some((near) => near.kind !== ' '),
        );
        fc.pre(all.some(({ kind }) => kind !== '+') && shown.includes(true));
        const text = all
          .map(({ kind, text: line }, index) => {
            const head = shown[index] === true && shown[index - 1] !== true ? '@@\n' : '';
            return shown[index] === true ? `${head}${kind}${line}\n` : '';
          })
          .join('');
        // Additions without a line around them go to the end, which is not where these were.
        fc.pre(!text.split('@@\n').some((hunk) => hunk !== '' && !/^[ -]/m.test(hunk)));
        expect(updated(side(all, '+', '\n', true), text.slice(0, -1))).toBe(
          side(all, '-', '\n', true),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('what is no patch is refused by message and nothing else', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '*** Begin Patch',
        '*** End Patch',
        '*** Update File: f',
        '*** Add File: f',
        '*** Delete File: f',
        '*** Move to: g',
        '*** End of File',
        '@@',
        '@@ a',
        ' a',
        '-a',
        '+b',
        '',
        '```',
        'cat <<EOF',
        'EOF',
      ),
      lineText,
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.array(lineText), (pieces, lines) => {
        const outcome = outcomeOf(() => {
          for (const change of parsePatch(pieces.join('\n'))) {
            if (change.kind === 'update') updateText(lines.join('\n'), change.hunks);
          }
        });
        expect(outcome).toMatch(/^(?:done|ToolFailure)$/);
      }),
      { numRuns: 1000 },
    );
  });
});
