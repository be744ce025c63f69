import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { sessionLine } from './session-line.ts';
import { SessionOutput, type Word } from './session-output.ts';

// What shells make of the line, without a vendor between: bytes are exact in each of those that a session may have.

interface Outcome {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly words: readonly Word[];
}

async function run(
  shell: string,
  command: Partial<Parameters<typeof sessionLine>[0]>,
  path = process.env['PATH'] ?? '',
): Promise<Outcome> {
  const line = sessionLine({ argv: ['true'], cwd: '/', env: {}, stdin: 'none', ...command });
  // The shell reads the line as a session's does, through a pipe.
  const feed = spawn('/bin/sh', ['-c', `/bin/cat | ${shell}`], {
    env: { ...process.env, PATH: path },
  });
  feed.stdin.end(`${line}\n`);
  const words: Word[] = [];
  const outputs = [feed.stdout, feed.stderr].map(async (stream) => {
    const output = new SessionOutput(
      (word) => words.push(word),
      () => undefined,
    );
    const whole = new Response(output.readable).arrayBuffer();
    for await (const chunk of stream as AsyncIterable<Buffer>) output.push(chunk.toString());
    output.end();
    return Buffer.from(await whole);
  });
  const [stdout = Buffer.alloc(0), stderr = Buffer.alloc(0)] = await Promise.all(outputs);
  if (feed.exitCode === null) await once(feed, 'close');
  return { stdout, stderr, words };
}

const shells = ['/bin/bash', '/bin/sh'];

test.each(shells)(
  'every byte passes %s, alone and beside others, at any length',
  async (shell) => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const base64 = (bytes: Buffer): readonly [string, ...string[]] => [
      ...(['/bin/sh', '-c', `printf %s ${bytes.toString('base64')} | base64 -d; exit 9`] as const),
    ];
    for (const bytes of [
      ...Array.from({ length: 256 }, (_, byte) => all.subarray(byte, byte + 1)).filter(
        ([byte = 0]) => byte % 17 === 0 || [1, 10, 13, 33, 39, 44, 92, 127, 128].includes(byte),
      ),
      all,
      Buffer.alloc(48),
      Buffer.alloc(49, 0xff),
      Buffer.alloc(200_000, 'x\0\n'),
    ]) {
      // A command line is not that long.
      const argv = base64(bytes.length > 1_000 ? Buffer.alloc(0) : bytes);
      const long = ['/bin/sh', '-c', 'cat; exit 9'] as const;
      const { stdout, stderr, words } = await run(
        shell,
        bytes.length > 1_000 ? { argv: long, stdin: bytes } : { argv },
      );
      expect(stdout.equals(bytes), `${shell}: ${bytes.subarray(0, 20).toString('hex')}`).toBe(true);
      expect(stderr).toHaveLength(0);
      expect(words.find(({ name }) => name === 'x')).toEqual({ name: 'x', number: 9 });
      expect(words.filter(({ name }) => name === 'e')).toHaveLength(2);
    }
  },
  120_000,
);

test.each(shells)(
  'outputs are apart in %s, and arrive before their program ends',
  async (shell) => {
    const script = 'printf a; printf 1 >&2; sleep 0.2; printf b; printf 2 >&2';
    const { stdout, stderr } = await run(shell, { argv: ['/bin/sh', '-c', script] });
    expect([stdout.toString(), stderr.toString()]).toEqual(['ab', '12']);
  },
  60_000,
);

test('what was written at once arrives at once, though a shell reads only its beginning', async () => {
  const argv = ['/bin/sh', '-c', 'sleep 0.2; printf %0500d 1'] as const;
  const line = sessionLine({ argv: [...argv], cwd: '/', env: {}, stdin: 'none' });
  const shell = spawn('/bin/sh', ['-c', '/bin/cat | /bin/bash']);
  shell.stdin.end(`${line}\n`);
  const output = new SessionOutput(
    () => undefined,
    () => undefined,
  );
  const chunks = Array.fromAsync(output.readable, ({ length }) => length);
  for await (const chunk of shell.stdout as AsyncIterable<Buffer>) output.push(chunk.toString());
  output.end();
  expect(await chunks).toEqual([500]);
}, 60_000);

test.each(shells)(
  "the sandbox's own PATH keeps no output from %s",
  async (shell) => {
    const argv = ['/bin/sh', '-c', 'echo "$PATH"; echo err >&2'] as const;
    const { stdout, stderr } = await run(shell, { argv: [...argv] }, '/nowhere');
    expect([stdout.toString(), stderr.toString()]).toEqual(['/nowhere\n', 'err\n']);
    const changed = await run(shell, { argv: [...argv], env: { PATH: '/else' } });
    expect(changed.stdout.toString()).toBe('/else\n');
  },
  60_000,
);

test.each(shells)(
  'a directory and a program that there are not are told by %s',
  async (shell) => {
    const { words } = await run(shell, { cwd: '/nowhere' });
    expect(words.map(({ name }) => name)).toContain('d');
    const missing = await run(shell, { argv: ['no-such-program'] });
    expect(missing.words.find(({ name }) => name === 'x')?.number).toBe(127);
  },
  60_000,
);
