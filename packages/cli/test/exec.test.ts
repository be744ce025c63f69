import { spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { bin, gantry, gantryJson, labelledManifest, sandboxesLabelled } from './gantry.ts';

test('keeps stdout, stderr and the exit code apart', async () => {
  const result = await gantry(['exec', '-c', 'echo out; echo err >&2; exit 7']);
  expect(result).toMatchObject({ code: 7, text: 'out\n', stderr: 'err\n' });
});

test('hands every argument over untouched, also those that look like options', async () => {
  const words = ['--json', '-c', '$HOME', 'a b', '', '*', '--'];
  const { text, code } = await gantry(['exec', '--', 'printf', '[%s]', ...words]);
  expect(text).toBe(words.map((word) => `[${word}]`).join(''));
  expect(code).toBe(0);
  expect((await gantry(['exec', 'echo', '--json'])).text).toBe('--json\n');
});

test('passes 10 MB of binary input through, byte for byte', async () => {
  const input = randomBytes(10_000_000);
  const { stdout, code, stderr } = await gantry(['exec', '--', 'cat'], { input });
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout.equals(input)).toBe(true);
});

test('a command that does not read its input ends as it likes', async () => {
  const input = randomBytes(4_000_000);
  expect(await gantry(['exec', '--', 'true'], { input })).toMatchObject({ code: 0, stderr: '' });
  expect((await gantry(['exec', '-n', '--', 'cat'], { input })).text).toBe('');
});

test('ends quietly with 141 when the reader goes away, and leaves no sandbox', async () => {
  const label = randomUUID();
  const manifest = await labelledManifest(label);
  const result = await gantry(['exec', '--manifest', manifest, '--', 'yes'], {
    during: async (running) => {
      if (running.stdout) await once(running.stdout, 'data');
      running.stdout?.destroy();
    },
  });
  expect(result).toMatchObject({ code: 141, stderr: '' });
  expect(await sandboxesLabelled(label)).toEqual([]);
});

test('an output that cannot be written is said, and leaves no sandbox', async () => {
  const label = randomUUID();
  const script = '"$@" > /dev/full';
  const words = [process.execPath, bin, 'exec', '--manifest', await labelledManifest(label), 'yes'];
  const { status, stderr } = spawnSync('/bin/sh', ['-c', script, 'sh', ...words], {
    encoding: 'utf8',
  });
  expect(stderr).toMatch(/^gantry: cannot write the output: ENOSPC/);
  expect(status).toBe(125);
  expect(await sandboxesLabelled(label)).toEqual([]);
});

test('a slow reader slows the command down instead of filling memory', async () => {
  const result = await gantry(['exec', '-c', 'head -c 50000000 /dev/zero; echo done >&2'], {
    during: async (running) => {
      running.stdout?.pause();
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      // With nobody reading, the command cannot have come to its end.
      expect(running.exitCode).toBeNull();
      running.stdout?.resume();
    },
  });
  expect(result.code).toBe(0);
  expect(result.stderr).toBe('done\n');
  expect(result.stdout.length).toBe(50_000_000);
});

test('a command that is not there is 127, one that cannot be run 126, as a shell has it', async () => {
  expect((await gantry(['exec', '--', 'no-such-command'])).code).toBe(127);
  expect((await gantry(['exec', '--', '/etc'])).code).toBe(126);
});

test('a working directory that is not there is an error of gantry', async () => {
  const { code, stderr, text } = await gantry(['exec', '--cwd', 'nowhere', '--', 'true']);
  expect(code).toBe(125);
  expect(stderr).toMatch(/^gantry: .*working directory/);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(text).toBe('');
});

test('a command that a signal killed is 128 + n', async () => {
  expect((await gantry(['exec', '-c', 'kill -9 $$'])).code).toBe(137);
});

test('a time-out kills a command that ignores SIGTERM, with 124', async () => {
  const line = 'trap "" TERM INT HUP; echo started; while :; do sleep 1; done';
  const { code, text, stderr } = await gantry(['exec', '--timeout', '4s', '-c', line]);
  expect(code).toBe(124);
  expect(text).toBe('started\n');
  expect(stderr).toBe('gantry: the command did not finish within 4s and was killed\n');
});

test('a process left behind does not keep gantry waiting', async () => {
  const { code, text } = await gantry(['exec', '-c', 'sleep 1000 & echo started']);
  expect({ code, text }).toEqual({ code: 0, text: 'started\n' });
});

test('--env sets, and passes on what this environment has', async () => {
  const args = ['exec', '--env', 'A=1=2', '-e', 'FROM_HOST', '-c', 'echo "$A $FROM_HOST"'];
  expect((await gantry(args, { env: { FROM_HOST: 'here' } })).text).toBe('1=2 here\n');
  expect((await gantry(args)).code).toBe(125);
});

interface ExecDocument {
  readonly ref: { readonly provider: string };
  readonly exit: { readonly code: number };
  readonly stdout: {
    readonly text: string;
    readonly totalBytes: number;
    readonly truncated: boolean;
  };
  readonly stderr: { readonly text: string; readonly base64?: string };
}

test('--json prints one document, with base64 for what is not UTF-8', async () => {
  const line = 'echo hällo; printf "\\377\\000" >&2; exit 3';
  const { json, code, stderr } = await gantryJson<ExecDocument>(['exec', '--json', '-c', line]);
  expect(code).toBe(3);
  expect(stderr).toBe('');
  expect(json).toMatchObject({
    ref: { spec: 'gantry-ref/1', provider: 'local' },
    exit: { code: 3 },
    ok: false,
    stdout: { text: 'hällo\n', totalBytes: 7, truncated: false },
    kept: false,
  });
  expect(json.stdout).not.toHaveProperty('base64');
  expect(Buffer.from(json.stderr.base64 ?? '', 'base64')).toEqual(Buffer.from([0xff, 0]));
});

test('--json says what was cut off, and what a killed command had written', async () => {
  const args = ['exec', '--json', '--max-output', '4'];
  const cut = await gantryJson<ExecDocument>([...args, '--', 'echo', '123456']);
  expect(cut.json.stdout).toEqual({ text: '1234', totalBytes: 7, truncated: true });
  const late = await gantryJson<{ error: { code: string }; stdout: { text: string } }>([
    'exec',
    '--json',
    '--timeout=500ms',
    '--command=echo so far; sleep 60',
  ]);
  expect(late).toMatchObject({ code: 124, stderr: '' });
  expect(late.json.error.code).toBe('deadline-exceeded');
  expect(late.json.stdout.text).toBe('so far\n');
});

test.each([
  [['exec'], /no command given/],
  [['exec', '-c', 'true', 'more'], /not both/],
  [['exec', '--timeout', 'soon', '--', 'true'], /--timeout/],
  [['exec', '--env', 'A', '--', 'true'], /--env/],
  [['exec', '--sandbox', 'a', '--keep', '--', 'true'], /--keep/],
  [['exec', '--sandbox', 'no-such-sandbox', '--', 'true'], /no-such-sandbox/],
  [['exek'], /unknown command 'exek'\n.*exec/],
])('wrong use is 125: %j', async (args, message) => {
  const { code, stderr, text } = await gantry(args);
  expect({ code, text }).toEqual({ code: 125, text: '' });
  expect(stderr).toMatch(message);
  const [first = '', ...rest] = args;
  const asJson = await gantryJson<{ error: { message: string } }>([first, '--json', ...rest]);
  expect(asJson).toMatchObject({ code: 125, stderr: '' });
  expect(asJson.json.error.message).not.toBe('');
});
