import { createHash } from 'node:crypto';
import { must, type Check } from '../../check.ts';

const allBytes: Uint8Array = Uint8Array.from({ length: 256 }, (_, index) => index);
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
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

export const streamChecks: readonly Check[] = [
  must('core/io-bytes', 'io-bytes', 'output is bytes: NUL and invalid UTF-8 pass', async (t) => {
    const { sandbox, directory } = await t.shared();
    await sandbox.files.write(`${directory}/all`, allBytes);
    if (t.claims.output === 'text') {
      t.bytes(await sandbox.files.readBytes(`${directory}/all`), allBytes, 'a file of every byte');
      return;
    }
    const result = await sandbox.exec('cat all; cat all >&2; printf "\\377\\376\\000"', {
      cwd: directory,
    });
    t.succeeded(result, 'cat');
    t.bytes(result.stdout.bytes, Buffer.concat([allBytes, Buffer.from([255, 254, 0])]), 'stdout');
    t.bytes(result.stderr.bytes, allBytes, 'stderr');
  }),
  must(
    'core/io-bytes-input',
    'io-bytes',
    'input is bytes: NUL and invalid UTF-8 pass',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      if (t.claims.stdin === 'none') {
        await t.rejects(
          'unsupported',
          () => sandbox.exec('cat', { stdin: 'x' }),
          'input where trait stdin is none',
        );
        return;
      }
      const sent = pattern(70_000);
      t.succeeded(
        await sandbox.exec('cat > got', { cwd: directory, stdin: sent }),
        'cat of its input',
      );
      t.bytes(await sandbox.files.readBytes(`${directory}/got`), sent, 'input as it arrived');
      const parts = ReadableStream.from<Uint8Array>([
        allBytes,
        new Uint8Array(0),
        encoder.encode('end'),
      ]);
      t.succeeded(
        await sandbox.exec('cat > got', { cwd: directory, stdin: parts }),
        'cat of a stream',
      );
      t.bytes(
        await sandbox.files.readBytes(`${directory}/got`),
        Buffer.concat([allBytes, encoder.encode('end')]),
        'streamed input',
      );
    },
  ),
  must('core/io-large', 'io-bytes', 'three megabytes come out whole and in order', async (t) => {
    const { sandbox, directory } = await t.shared();
    const sent = pattern(3 * 1024 * 1024 + 17);
    await sandbox.files.write(`${directory}/large`, sent);
    const command = t.claims.output === 'text' ? 'base64 large' : 'cat large';
    const { stdout, exit } = await sandbox.exec(command, { cwd: directory });
    const got = t.claims.output === 'text' ? Buffer.from(stdout.text, 'base64') : stdout.bytes;
    t.equal(exit, { code: 0 }, 'exit');
    t.equal(got.length, sent.length, 'bytes that came out');
    t.equal(digest(got), digest(sent), 'their digest');
    t.equal(stdout.truncated, false, 'truncated');
  }),
  must(
    'core/io-separate',
    'io-separate',
    'stdout and stderr are apart, each in order',
    async (t) => {
      const { sandbox } = await t.shared();
      const line = 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo o$i; echo e$i >&2; done';
      const { stdout, stderr } = await sandbox.exec(line);
      const numbered = (letter: string): string =>
        Array.from({ length: 300 }, (_, index) => `${letter}${index + 1}\n`).join('');
      t.equal(stdout.text, numbered('o'), 'stdout');
      t.equal(stderr.text, numbered('e'), 'stderr');
      const only = await sandbox.exec('echo problem >&2; exit 4');
      t.equal(
        [only.stdout.text, only.stderr.text, only.exit],
        ['', 'problem\n', { code: 4 }],
        'a command that only complains',
      );
    },
  ),
  must(
    'core/io-backpressure',
    'io-backpressure',
    'a process whose output is not read blocks',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const line =
        'i=0; while [ $i -lt 400 ]; do i=$((i+1)); printf %65536s x; echo $i > sent; done; touch finished';
      await using process = await sandbox.spawn(line, { cwd: directory });
      await t.eventually(
        t.limits.command,
        () => sandbox.files.exists(`${directory}/sent`),
        'the first output',
      );
      let last = '';
      const still = async (): Promise<boolean> => {
        const now = await sandbox.files.readText(`${directory}/sent`);
        const same = now === last;
        last = now;
        if (!same) await new Promise((resolve) => setTimeout(resolve, t.limits.quiet));
        return same && now !== '';
      };
      await t.eventually(t.limits.command, still, 'the writer coming to a halt');
      t.equal(
        await sandbox.files.exists(`${directory}/finished`),
        false,
        'whether 25 MB went out unread',
      );
      t.ok(
        Number(last) * 65_536 < 20 * 1024 * 1024,
        `${last.trim()} blocks of 64 KiB went out unread`,
      );
      const read = await readSome(process.stdout, 1_000_000);
      t.ok(read.length >= 1_000_000, 'reading did not set the writer going again');
    },
  ),
  must(
    'core/io-no-deadlock',
    'io-no-deadlock',
    'large input and both outputs at once cannot stop each other',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      if (t.claims.stdin === 'none') {
        const line = 'head -c 2000000 /dev/zero; head -c 2000000 /dev/zero >&2';
        const { stdout, stderr } = await t.promptly(
          t.limits.command,
          sandbox.exec(line),
          'two outputs',
        );
        t.equal(
          [stdout.totalBytes, stderr.totalBytes],
          [2_000_000, 2_000_000],
          'bytes of both outputs',
        );
        return;
      }
      const stdin = pattern(2_000_000).map((byte) => (byte & 0x3f) + 0x20);
      const line = 'mkfifo both; cat both >&2 & tee both; wait';
      const running = sandbox.exec(line, { stdin, cwd: directory });
      const { stdout, stderr } = await t.promptly(
        t.limits.command,
        running,
        'exec with two megabytes each way',
      );
      t.equal(
        [stdout.totalBytes, stderr.totalBytes],
        [2_000_000, 2_000_000],
        'bytes of both outputs',
      );
      t.equal(digest(stdout.bytes), digest(stdin), 'digest of stdout');
    },
  ),
];
