import { execFileSync, spawn } from 'node:child_process';
import { expect, onTestFinished, test } from 'vitest';
import { bin, gantry } from './gantry.ts';

/** Runs gantry on a terminal of its own, made by `script`, and types each line once its cue was shown. */
async function onTerminal(
  args: readonly string[],
  typed: readonly {
    readonly cue: RegExp;
    readonly keys?: string;
    readonly act?: (shown: string) => void;
  }[],
): Promise<{ readonly code: number | null; readonly shown: string }> {
  const words = [process.execPath, bin, ...args].map((word) => `'${word}'`).join(' ');
  const running = spawn(
    '/usr/bin/script',
    ['-qefc', `echo outside $(tty); exec ${words}`, '/dev/null'],
    {
      cwd: import.meta.dirname,
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void running.kill());
  let shown = '';
  const left = [...typed];
  running.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    const [next] = left;
    if (next === undefined || !next.cue.test(shown)) return;
    left.shift();
    if (next.keys !== undefined) running.stdin.write(next.keys);
    next.act?.(shown);
  });
  const [code] = await new Promise<[number | null]>((resolve, reject) => {
    running.once('error', reject);
    running.once('close', (...ended: [number | null]) => resolve(ended));
  });
  return { code, shown: shown.replaceAll('\r', '') };
}

test('reads a script from its input when that is no terminal', async () => {
  const result = await gantry(['shell'], { input: 'echo "in $PWD"\necho oops >&2\nexit 6\n' });
  expect(result).toMatchObject({ code: 6, text: 'in /workspace\n', stderr: 'oops\n' });
});

test('without terminals it is a plain shell that says so; Ctrl-C stops what runs, not the shell', async () => {
  const { code, shown } = await onTerminal(
    ['shell', '--provider', './fixtures/unconfined.ts'],
    [
      { cue: /[#$] $/, keys: "sh -c 'echo sum-$((20+22)); exec sleep 300'\n" },
      { cue: /sum-42/, keys: '\u0003' },
      { cue: /\^C[^]*[#$] $/, keys: 'echo still-$((1+1))\n' },
      { cue: /still-2/, keys: 'exit 4\n' },
    ],
  );
  expect(shown).toContain('has no terminals: this is a plain shell');
  expect(shown).toContain('sum-42');
  expect(code, shown).toBe(4);
});

test('with terminals the sandbox has the whole terminal, of the usual size where the user’s has none', async () => {
  const { code, shown } = await onTerminal(
    ['shell', '--provider', './fixtures/with-terminal.ts'],
    [
      {
        cue: /[#$] $/,
        keys: "stty size; sh -c 'test -t 0 && echo tty-$((40+2)); exec sleep 300'\n",
      },
      { cue: /tty-42/, keys: '\u0003' },
      { cue: /\^C[^]*[#$] $/, keys: 'echo still-$((1+1))\n' },
      { cue: /still-2/, keys: 'exit 4\n' },
    ],
  );
  expect(shown).toContain('24 80\ntty-42');
  expect(code, shown).toBe(4);
});

test('a shell of the local provider has a terminal of its own inside, which follows the size outside', async () => {
  const { code, shown } = await onTerminal(
    ['shell'],
    [
      {
        cue: /[#$] $/,
        // A program that stays in front: a Ctrl-C between two short ones can get lost in the shell.
        keys: `tty; sh -c 'trap "stty size" WINCH; stty size; while :; do sleep 0.1; done'\n`,
      },
      {
        cue: /24 80\r+\n/,
        act: (shownSoFar) => {
          const device = /outside (\/dev\/pts\/\d+)/.exec(shownSoFar)?.[1] ?? '';
          execFileSync('stty', ['-F', device, 'rows', '41', 'cols', '99']);
        },
      },
      { cue: /41 99\r+\n/, keys: '\u0003' },
      { cue: /\^C/, keys: 'exit 5\n' },
    ],
  );
  expect(shown).toMatch(/\n\/dev\/pts\/0\n/);
  expect(code).toBe(5);
});

test('a question of gantry on a terminal is answered there', async () => {
  const { code, shown } = await onTerminal(
    ['destroy', '--all', '--provider', './fixtures/two-sandboxes.ts'],
    [{ cue: /\[y\/N\] /, keys: 'n\n' }],
  );
  expect(shown).toContain('Destroy all 2 sandboxes');
  expect(shown).toContain('nothing was destroyed');
  expect(code).toBe(1);
});
