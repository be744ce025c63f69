import type { Terminal } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { undeclared } from './undeclared.ts';

const needs = { capability: 'terminal' } as const;

/** Reads a terminal until the pattern shows up; returns all that was read. */
async function readUntil(t: CheckContext, terminal: Terminal, pattern: RegExp): Promise<string> {
  const reader = terminal.output.getReader();
  let text = '';
  const look = async (): Promise<string> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (value) text += Buffer.from(value).toString('latin1');
      if (pattern.test(text)) return text;
      if (done)
        return t.fail(
          `the terminal ended before ${pattern} showed up; it said ${JSON.stringify(text.slice(-300))}`,
        );
    }
  };
  try {
    return await t.promptly(t.limits.command, look(), `waiting for ${pattern}`);
  } finally {
    reader.releaseLock();
  }
}

async function type(terminal: Terminal, text: string): Promise<void> {
  const writer = terminal.input.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
}

export const terminalChecks: readonly Check[] = [
  undeclared('terminal', 'terminal', (sandbox) => sandbox.terminal()),
  must(
    'terminal/is-a-terminal',
    'terminal-inside',
    'a terminal is one: isatty, its size, echo and a controlling session',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      await using terminal = await sandbox.terminal({
        size: { columns: 93, rows: 31 },
        cwd: directory,
        env: { TERM_MARK: 'marked' },
      });
      await type(
        terminal,
        'test -t 0 && test -t 1 && test -t 2 && echo tty-$((40+2)); stty size; echo "$TERM_MARK-env"; echo end-$((1+1))\n',
      );
      const text = await readUntil(t, terminal, /end-2/);
      t.match(text, /tty-42/, 'what it says of isatty');
      t.match(text, /31 93/, 'its size');
      t.match(text, /marked-env/, 'a variable');
      t.match(text, /test -t 0/, 'the echo of what was typed');
    },
    { needs },
  ),
  must(
    'terminal/keys',
    'terminal-keys',
    'Ctrl-C reaches the job in front and not the shell; closed input is end of input',
    async (t) => {
      const { sandbox } = await t.shared();
      await using terminal = await sandbox.terminal({ command: ['sh', '-i'] });
      await type(terminal, 'echo begun-$((1+1))\n');
      await readUntil(t, terminal, /begun-2/);
      await type(
        terminal,
        `sh -c 'trap "echo caught-\\$((2+2)); exit 1" INT; echo waits-$((3+3)); while :; do sleep 0.1; done'\n`,
      );
      await readUntil(t, terminal, /waits-6/);
      await type(terminal, '\u0003');
      await readUntil(t, terminal, /caught-4/);
      await type(terminal, 'echo on-$((4+4))\n');
      t.match(await readUntil(t, terminal, /on-8/), /on-8/, 'what the shell says after Ctrl-C');
      await terminal.input.close();
      await t.promptly(t.limits.prompt, terminal.exit, 'the end of a shell without input');
    },
    { needs },
  ),
  must(
    'terminal/resize',
    'terminal-size',
    'a resize is seen inside, where it is declared',
    async (t) => {
      const { sandbox } = await t.shared();
      await using terminal = await sandbox.terminal();
      if (!t.capabilities.terminal?.resize) {
        await t.rejects('unsupported', () => terminal.resize({ columns: 100, rows: 40 }), 'resize');
        return;
      }
      await type(terminal, 'echo go-$((1+1))\n');
      await readUntil(t, terminal, /go-2/);
      await terminal.resize({ columns: 111, rows: 44 });
      await type(terminal, 'stty size; echo end-$((1+1))\n');
      t.match(await readUntil(t, terminal, /end-2/), /44 111/, 'size after the resize');
      await t.rejects(
        'invalid-argument',
        () => terminal.resize({ columns: 0, rows: 10 }),
        'an impossible size',
      );
    },
    { needs },
  ),
  must(
    'terminal/ends',
    'terminal-kill',
    'a terminal ends with its program, and can be killed',
    async (t) => {
      const { sandbox } = await t.shared();
      await using terminal = await sandbox.terminal({
        command: ['sh', '-c', 'read -r line; echo "got $line"; exit 7'],
      });
      await type(terminal, 'hello\n');
      await readUntil(t, terminal, /got hello/);
      t.equal(await t.promptly(t.limits.prompt, terminal.exit, 'its end'), { code: 7 }, 'exit');
      const stuck = await sandbox.terminal({ command: ['sleep', '300'] });
      await stuck.kill('SIGKILL');
      const exit = await t.promptly(t.limits.prompt, stuck.exit, 'the end of a killed terminal');
      t.ok(exit.code !== 0, 'a killed terminal reads as a success');
    },
    { needs },
  ),
];
