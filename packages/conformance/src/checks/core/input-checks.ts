import { must, type Check } from '../../check.ts';

const encoder = new TextEncoder();

/** Bytes of a pattern that shows where it was cut or reordered. */
function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++)
    bytes[index] = (index * 7 + (index >> 8) * 13 + (index >> 16)) & 0xff;
  return bytes;
}

async function readSome(stream: ReadableStream<Uint8Array>, bytes: number): Promise<Buffer> {
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  while (length < bytes) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
  }
  reader.releaseLock();
  return Buffer.concat(parts);
}

export const inputChecks: readonly Check[] = [
  must(
    'core/io-limit',
    'io-limit',
    'output above the limit is counted and said to be truncated',
    async (t) => {
      const { sandbox } = await t.shared();
      const line = 'head -c 300000 /dev/zero | tr "\\0" a; printf tail >&2; exit 5';
      const { stdout, stderr, exit } = await sandbox.exec(line, { maxOutputBytes: 1_000 });
      t.equal(
        [stdout.bytes.length, stdout.totalBytes, stdout.truncated],
        [1_000, 300_000, true],
        'stdout',
      );
      t.equal([stderr.text, stderr.truncated], ['tail', false], 'stderr');
      t.equal(exit, { code: 5 }, 'exit of a command that was read to its end');
    },
  ),
  must(
    'core/io-stdin-eof',
    'io-stdin-eof',
    'without input there is end of file at once, with input after all of it',
    async (t) => {
      const { sandbox } = await t.shared();
      const none = await t.promptly(
        t.limits.command,
        sandbox.exec('cat; echo end'),
        'reading without input',
      );
      t.equal(none.stdout.text, 'end\n', 'what was read without input');
      await using process = await sandbox.spawn('cat; echo end');
      t.equal(String(await readSome(process.stdout, 4)), 'end\n', 'what a spawned process read');
      if (t.claims.stdin === 'none') return;
      const some = await t.promptly(
        t.limits.command,
        sandbox.exec('cat; echo end', { stdin: 'all of it' }),
        'reading input',
      );
      t.equal(some.stdout.text, 'all of itend\n', 'what was read with input');
      const empty = await t.promptly(
        t.limits.command,
        sandbox.exec('wc -c', { stdin: '' }),
        'empty input',
      );
      t.equal(empty.stdout.text.trim(), '0', 'bytes of empty input');
    },
  ),
  must(
    'core/io-stdin-stream',
    'io-stdin-eof',
    'a process takes input while it runs, as trait stdin says',
    async (t) => {
      const { sandbox } = await t.shared();
      if (t.claims.stdin !== 'stream') {
        await t.rejects(
          'unsupported',
          () => sandbox.spawn('cat', { stdin: 'stream' }),
          'streamed input without the trait',
        );
        t.equal(
          (await sandbox.exec('cat; echo end')).stdout.text,
          'end\n',
          'a command without input',
        );
        return;
      }
      await using process = await sandbox.spawn(
        'while read -r line; do echo "got $line"; done; echo end',
        { stdin: 'stream' },
      );
      const stdin = t.present(process.stdin, 'a process spawned with streamed input has no stdin');
      const writer = stdin.getWriter();
      for (const word of ['one', 'two']) {
        await writer.write(encoder.encode(`${word}\n`));
        const reply = await t.promptly(
          t.limits.command,
          readSome(process.stdout, 8),
          `the reply to ${word}`,
        );
        t.equal(String(reply), `got ${word}\n`, 'reply, while the input is open');
      }
      await writer.close();
      t.equal(String(await readSome(process.stdout, 4)), 'end\n', 'what follows the end of input');
      t.equal(await process.exit, { code: 0 }, 'exit');
    },
  ),
  must(
    'core/io-stdin-early',
    'io-stdin-early',
    'a process that ends before it has read its input is no error',
    async (t) => {
      const { sandbox } = await t.shared();
      if (t.claims.stdin === 'none') {
        t.equal(
          (await sandbox.exec('exec <&-; exit 6')).exit,
          { code: 6 },
          'a process that closes its input',
        );
        return;
      }
      const stdin = pattern(2_000_000);
      const early = await t.promptly(
        t.limits.command,
        sandbox.exec('head -c 5 >/dev/null; exit 6', { stdin }),
        'a command that reads five bytes',
      );
      t.equal(early.exit, { code: 6 }, 'its exit');
      const closed = await t.promptly(
        t.limits.command,
        sandbox.exec('exec <&-; echo on; exit 7', { stdin }),
        'a command that closes its input',
      );
      t.equal([closed.exit, closed.stdout.text], [{ code: 7 }, 'on\n'], 'its end');
    },
  ),
  must(
    'core/io-lingering',
    'io-lingering',
    'exec returns when the command has exited, whatever it left behind',
    async (t) => {
      const sandbox = await t.create();
      const told = t.claims.lingering !== 'untold';
      if (!told) t.weaker('what a command leaves behind at its outputs is not told');
      const begin = performance.now();
      const line = 'echo first; sleep 30 & exit 3';
      const result = await t.promptly(
        t.limits.prompt,
        sandbox.exec(line),
        'a command that leaves a process with its output',
      );
      t.equal(
        [result.stdout.text, result.exit, result.lingering],
        ['first\n', { code: 3 }, told],
        'result',
      );
      t.ok(performance.now() - begin < t.limits.prompt, 'it waited for what was left behind');
      const quiet = await sandbox.exec('echo first; sleep 30 >/dev/null 2>&1 & exit 3');
      t.equal(
        [quiet.exit, quiet.lingering],
        [{ code: 3 }, false],
        'a command that leaves a silent process',
      );
    },
  ),
  must('core/io-live', 'io-separate', 'a spawned process is heard while it runs', async (t) => {
    const { sandbox, directory } = await t.shared();
    await using process = await sandbox.spawn(
      'echo ready; while [ ! -e go ]; do sleep 0.02; done; echo went >&2; exit 8',
      { cwd: directory },
    );
    const heard = await t.promptly(
      t.limits.command,
      readSome(process.stdout, 6),
      'output of a process that waits',
    );
    t.equal(String(heard), 'ready\n', 'what it said first');
    await sandbox.files.write(`${directory}/go`, '');
    t.equal(String(await readSome(process.stderr, 5)), 'went\n', 'what it said then');
    t.equal(await t.promptly(t.limits.command, process.exit, 'its end'), { code: 8 }, 'exit');
  }),
];
