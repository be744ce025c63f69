import type { Sandbox, Terminal, TerminalOptions } from '@gantry/core';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { local } from '../src/index.ts';
import { eventually, type Scenario, shell } from './scenario.ts';

/** A terminal that a test types into and looks at. */
class Screen implements AsyncDisposable {
  shown = '';
  readonly terminal: Terminal;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #end: Promise<void>;

  private constructor(terminal: Terminal) {
    this.terminal = terminal;
    this.#keys = terminal.input.getWriter();
    this.#end = (async () => {
      for await (const bytes of terminal.output)
        this.shown += Buffer.from(bytes).toString('latin1');
    })();
  }

  static async open(sandbox: Sandbox, options: TerminalOptions): Promise<Screen> {
    return new Screen(await sandbox.terminal(options));
  }

  async type(keys: string | Uint8Array): Promise<void> {
    await this.#keys.write(typeof keys === 'string' ? Buffer.from(keys) : keys);
  }

  async close(): Promise<void> {
    await this.#keys.close();
  }

  sees(text: string | RegExp): Promise<void> {
    const found = (): boolean =>
      typeof text === 'string' ? this.shown.includes(text) : text.test(this.shown);
    return eventually(
      found,
      `the terminal shows ${String(text)}; it shows ${JSON.stringify(this.shown.slice(-300))}`,
    );
  }

  async exit(): Promise<object> {
    const status = await this.terminal.exit;
    await this.#end;
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminal[Symbol.asyncDispose]();
  }
}

/** A root file system of busybox alone, which has no script(1). */
function busyboxRoot(scratch: string): string {
  const root = path.join(scratch, 'busybox');
  for (const name of ['bin', 'proc', 'dev', 'tmp', 'run', 'workspace']) {
    mkdirSync(path.join(root, name), { recursive: true });
  }
  copyFileSync('/bin/busybox', path.join(root, 'bin/busybox'));
  for (const name of ['sh', 'env', 'setsid', 'stty'])
    symlinkSync('busybox', path.join(root, 'bin', name));
  return root;
}

/** What holds of terminals. */
export const terminalScenarios: readonly Scenario[] = [
  {
    name: 'says what a root file system lacks when it cannot open a terminal',
    async run({ stateDirectory, scratch }) {
      const provider = local({ stateDirectory, rootfs: busyboxRoot(scratch) });
      await using sandbox = await provider.create();
      await assert.rejects(sandbox.terminal(), (error: Error & { code: string }) => {
        assert.equal(error.code, 'failed-precondition');
        assert.match(error.message, /there is no script\(1\) in the sandbox/);
        return true;
      });
      assert.equal(await shell(sandbox, 'echo fine'), 'fine\n');
    },
  },
  {
    name: 'opens a terminal of the given size, in the given place, with its environment and exit code',
    async run({ provider }) {
      await using sandbox = await provider.create();
      await shell(sandbox, 'mkdir sub');
      await using screen = await Screen.open(sandbox, {
        command: 'stty size; tty; pwd; echo "$TERM,$SHELL,$A"; env | grep -c GANTRY; exit 7',
        size: { rows: 33, columns: 101 },
        cwd: 'sub',
        env: { A: "it's", SHELL: '/x y' },
      });
      assert.deepEqual(await screen.exit(), { code: 7 });
      assert.equal(
        screen.shown,
        "33 101\r\n/dev/pts/0\r\n/workspace/sub\r\nxterm-256color,/x y,it's\r\n0\r\n",
      );
      await assert.rejects(sandbox.terminal({ cwd: 'nowhere' }), { code: 'failed-precondition' });
      await using missing = await Screen.open(sandbox, { command: ['no-such-program'] });
      assert.deepEqual(await missing.exit(), { code: 127 });
    },
  },
  {
    name: 'tells the programs on a terminal when it is resized',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const command = 'trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done';
      await using screen = await Screen.open(sandbox, { command });
      await screen.sees('ready');
      await screen.terminal.resize({ rows: 50, columns: 120 });
      await screen.sees('50 120');
    },
  },
  {
    name: 'gives Ctrl-C to the job in front and Ctrl-D to its reader, and keeps the shell',
    async run({ provider }) {
      await using sandbox = await provider.create();
      await using screen = await Screen.open(sandbox, {
        command: ['/bin/sh', '-i'],
        env: { PS1: '> ' },
      });
      await screen.sees('> ');
      // One program in front: a Ctrl-C between two of them can get lost in the shell.
      await screen.type("sh -c 'echo begin-$((1+1)); exec sleep 300'\n");
      await screen.sees('begin-2');
      await screen.type('\u0003');
      await screen.sees('^C');
      await screen.type('echo status-$?\n');
      await screen.sees('status-130');
      await screen.type('cat; echo read-$((2+2))\n\u0004');
      await screen.sees('read-4');
      await screen.type('exit 3\n');
      assert.deepEqual(await screen.exit(), { code: 3 });
    },
  },
  {
    name: 'passes a megabyte of any bytes through a terminal, both ways at once',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const bytes = new Uint8Array(1 << 20).map((_, index) => (index * 7 + (index >> 8)) & 255);
      const command = `stty raw -echo; echo ready; head -c ${bytes.length} | tee sum | head -c ${bytes.length}; sha256sum <sum`;
      await using screen = await Screen.open(sandbox, { command });
      await screen.sees('ready');
      await screen.type(bytes);
      assert.deepEqual(await screen.exit(), { code: 0 });
      const digest = createHash('sha256').update(bytes).digest('hex');
      assert.ok(screen.shown.includes(`${digest}  -`), 'what came in is what was typed');
      assert.ok(Buffer.from(screen.shown, 'latin1').includes(Buffer.from(bytes)), 'and comes back');
    },
  },
  {
    name: 'ends what runs on a terminal, whatever it ignores; closing the input is Ctrl-D',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const stubborn = 'trap "" HUP INT TERM; echo ready; sleep 4321 & while :; do sleep 1; done';
      await using screen = await Screen.open(sandbox, { command: stubborn });
      await screen.sees('ready');
      await screen.terminal.kill('SIGTERM');
      await screen.terminal.kill('SIGKILL');
      await screen.exit();
      const left = async (): Promise<boolean> =>
        (await sandbox.processes()).every(({ command }) => command !== 'sleep 4321');
      await eventually(left, 'nothing of the terminal runs');
      await using hungUp = await Screen.open(sandbox, { command: 'echo ready; exec sleep 300' });
      await hungUp.sees('ready');
      await hungUp.terminal.kill();
      assert.deepEqual(await hungUp.exit(), { code: 129 });
      await using reader = await Screen.open(sandbox, { command: 'cat; echo end' });
      await reader.close();
      assert.deepEqual(await reader.exit(), { code: 0 });
      assert.match(reader.shown, /end\r\n$/);
    },
  },
];
