import { must, type Check } from '../../check.ts';

const encoder = new TextEncoder();
const allBytes: Uint8Array = Uint8Array.from({ length: 256 }, (_, index) => index);

/** Prints the user and its capabilities; all of them where the system does not tell. */
const whoLooks = `
set=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status 2>/dev/null)
echo "$(id -u) \${set:-ffff}"
`;
/** CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH. */
const mayReadAll = 0b110n;

export const fileAccessChecks: readonly Check[] = [
  must(
    'core/files-permission',
    'files-not-found',
    'a path that may not be looked at is permission-denied',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const who = t.succeeded(await sandbox.exec(whoLooks), 'who looks').trim();
      const [user, capabilities = ''] = who.split(' ');
      // Of user 0 without these capabilities the kernel asks permission as of any other.
      if (user === '0' && (BigInt(`0x${capabilities}`) & mayReadAll) !== 0n) {
        // Only what the kernel itself keeps shut is left to ask for.
        await sandbox.files.write(`${directory}/open`, 'x', { mode: 0 });
        t.equal(
          await sandbox.files.readText(`${directory}/open`),
          'x',
          'a file of mode 0, read by root',
        );
        return;
      }
      await sandbox.files.write(`${directory}/shut/file`, 'x');
      await sandbox.files.setMode(`${directory}/shut`, 0);
      await t.rejects(
        'permission-denied',
        () => sandbox.files.readText(`${directory}/shut/file`),
        'readText',
      );
      await t.rejects(
        'permission-denied',
        () => sandbox.files.exists(`${directory}/shut/none`),
        'exists',
      );
      await t.rejects('permission-denied', () => sandbox.files.list(`${directory}/shut`), 'list');
      await sandbox.files.setMode(`${directory}/shut`, 0o755);
      t.equal(
        await sandbox.files.readText(`${directory}/shut/file`),
        'x',
        'the file, opened again',
      );
    },
  ),
  must(
    'core/files-path',
    'files-path',
    'relative paths start at the workspace; empty and NUL are refused',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      const relative = directory.slice('/workspace/'.length);
      await files.write(`${relative}/./a//b`, 'one');
      t.equal(await files.readText(`${directory}/a/b`), 'one', 'a relative path');
      for (const path of ['', 'a\0b', new Uint8Array(0), Uint8Array.from([0x61, 0])]) {
        await t.rejects(
          'invalid-argument',
          () => files.readBytes(path),
          `read of ${JSON.stringify(path)}`,
        );
        await t.rejects(
          'invalid-argument',
          () => files.write(path, 'x'),
          `write of ${JSON.stringify(path)}`,
        );
      }
      t.equal(
        (await files.list(directory)).map(({ name }) => name),
        ['a'],
        'entries',
      );
    },
  ),
  must(
    'core/files-write-atomic',
    'files-write-atomic',
    'a write replaces a file whole or not at all',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      const path = `${directory}/file`;
      await files.write(path, 'old contents');
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield encoder.encode('new cont');
        await new Promise((resolve) => setTimeout(resolve, 20));
        throw new Error('the source broke');
      }
      await t.rejects(
        ['aborted', 'unknown', 'unavailable'],
        () => files.write(path, broken()),
        'a write whose source fails',
      );
      t.equal(await files.readText(path), 'old contents', 'contents after it');
      t.equal(
        (await files.list(directory)).map(({ name }) => name),
        ['file'],
        'what it left in the directory',
      );
      // While it is replaced many times, a reader sees one version or the other.
      const sizes = [10, 200_000];
      const line = `touch go; n=0; while [ ! -e stop ]; do s=$(wc -c < file); case $s in 12|10|200000) ;; *) echo "$s" >> torn;; esac; n=$((n+1)); done; echo $n > looks`;
      const looking = sandbox.exec(line, { cwd: directory });
      for (let round = 0; round < 8; round++) {
        await files.write(path, Buffer.alloc(sizes[round % 2] ?? 0, 0x61));
      }
      await files.write(`${directory}/stop`, '');
      t.succeeded(await looking, 'the reader in the sandbox');
      t.ok(Number(await files.readText(`${directory}/looks`)) > 0, 'the reader never looked');
      t.equal(await files.exists(`${directory}/torn`), false, 'whether it saw a torn file');
    },
  ),
  must(
    'core/files-write-mode',
    'files-write-mode',
    'write sets the mode, keeps the old one, else 0644; makes parents; follows links',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      const modeOf = async (name: string): Promise<string> =>
        (await files.stat(`${directory}/${name}`)).mode.toString(8);
      await files.write(`${directory}/a/b/plain`, 'x');
      t.equal(await modeOf('a/b/plain'), '644', 'mode of a new file');
      await files.write(`${directory}/tool`, 'x', { mode: 0o750 });
      t.equal(await modeOf('tool'), '750', 'mode as given');
      await files.write(`${directory}/tool`, 'longer than before');
      t.equal(await modeOf('tool'), '750', 'mode of a replaced file');
      await files.write(`${directory}/tool`, 'y', { mode: 0o600 });
      t.equal(
        [await modeOf('tool'), await files.readText(`${directory}/tool`)],
        ['600', 'y'],
        'mode and contents, replaced',
      );
      await files.symlink('tool', `${directory}/link`);
      await files.write(`${directory}/link`, 'through');
      t.equal(
        [await files.readText(`${directory}/tool`), (await files.stat(`${directory}/link`)).type],
        ['through', 'symlink'],
        'a write through a link',
      );
    },
  ),
  must(
    'core/files-read-regular',
    'files-read-regular',
    'read refuses what is no regular file, and never hangs',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      t.succeeded(
        await sandbox.exec('mkfifo fifo && mkdir dir && ln -s fifo link && echo fine > file', {
          cwd: directory,
        }),
        'set-up',
      );
      for (const path of ['fifo', 'dir', 'link']
        .map((name) => `${directory}/${name}`)
        .concat('/dev/zero', '/dev/tty')) {
        const reading = t.promptly(t.limits.prompt, files.readBytes(path), `read of ${path}`);
        await t.rejects(
          ['failed-precondition', 'not-found', 'permission-denied'],
          reading,
          `read of ${path}`,
        );
      }
      await t.rejects(
        'failed-precondition',
        () => files.readBytes(`${directory}/fifo`),
        'read of a FIFO',
      );
      await t.rejects(
        'failed-precondition',
        () => t.promptly(t.limits.prompt, files.write(`${directory}/fifo`, 'x'), 'write'),
        'write to a FIFO',
      );
      t.equal(await files.readText(`${directory}/file`), 'fine\n', 'a regular file');
    },
  ),
  must(
    'core/files-range',
    'files-range',
    'offset and length select exactly those bytes',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      await files.write(`${directory}/file`, allBytes);
      const part = async (offset?: number, length?: number): Promise<Uint8Array> =>
        files.readBytes(`${directory}/file`, {
          ...(offset === undefined ? {} : { offset }),
          ...(length === undefined ? {} : { length }),
        });
      t.bytes(await part(0, 3), allBytes.subarray(0, 3), 'the first three');
      t.bytes(await part(100, 1), allBytes.subarray(100, 101), 'one in the middle');
      t.bytes(await part(250), allBytes.subarray(250), 'the tail');
      t.bytes(await part(250, 1_000), allBytes.subarray(250), 'beyond the end');
      t.bytes(await part(256, 5), new Uint8Array(0), 'at the end');
      t.bytes(await part(9_999), new Uint8Array(0), 'far beyond');
      t.bytes(await part(10, 0), new Uint8Array(0), 'no bytes at all');
      await t.rejects('invalid-argument', () => part(-1), 'a negative offset');
    },
  ),
];
