import { createHash } from 'node:crypto';
import { must, type Check } from '../../check.ts';

const encoder = new TextEncoder();
const allBytes: Uint8Array = Uint8Array.from({ length: 256 }, (_, index) => index);

/** Legal names that trip up scripts, parsers and protocols. */
const names: readonly string[] = [
  ' leading and trailing ',
  '-rf',
  '--help',
  "it's",
  '"quoted"',
  '$(touch pwned)',
  '`x`',
  'new\nline',
  'tab\tx',
  'back\\slash',
  '*',
  '...',
  '.hidden',
  'semi;colon&',
  'ünï→🙂',
  '%s%n',
  'x'.repeat(255),
];

export const fileChecks: readonly Check[] = [
  must(
    'core/files-any-name',
    'files-any-name',
    'every operation works for every legal name',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      await Promise.all(
        names.map(async (name) => {
          const path = `${directory}/${name}`;
          await files.write(path, name);
          t.equal(await files.readText(path), name, `contents of ${JSON.stringify(name)}`);
          t.equal(
            (await files.stat(path)).size,
            encoder.encode(name).length,
            `size of ${JSON.stringify(name)}`,
          );
          t.equal(await files.exists(path), true, `exists ${JSON.stringify(name)}`);
        }),
      );
      const expected = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      t.equal(
        (await files.list(directory)).map(({ name }) => name),
        expected,
        'names as listed',
      );
      await files.move(`${directory}/-rf`, `${directory}/new dir\n/-rf`);
      await files.remove(`${directory}/$(touch pwned)`);
      t.equal(await files.readText(`${directory}/new dir\n/-rf`), '-rf', 'a moved file');
      t.equal(await files.exists(`${directory}/$(touch pwned)`), false, 'a removed file');
      t.equal(await files.exists(`${directory}/pwned`), false, 'what an expansion would make');
    },
  ),
  must(
    'core/files-byte-name',
    'files-any-name',
    'names that are not UTF-8 work as bytes',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      const raw = Uint8Array.from([0x66, 0xff, 0xfe, 0x80, 0x0a, 0x6f]);
      const path = Buffer.concat([encoder.encode(`${directory}/`), raw]);
      await files.write(path, 'raw');
      t.equal(await files.readText(path), 'raw', 'contents');
      const [entry] = await files.list(directory);
      t.bytes(entry?.nameBytes ?? new Uint8Array(), raw, 'name bytes as listed');
      t.equal((await files.stat(path)).type, 'file', 'type');
      const moved = Buffer.concat([path, Uint8Array.from([0xc3])]);
      await files.move(path, moved);
      t.equal(
        [await files.exists(path), await files.exists(moved)],
        [false, true],
        'old and new name',
      );
      await files.remove(moved);
      t.equal((await files.list(directory)).length, 0, 'entries after remove');
    },
  ),
  must(
    'core/files-any-bytes',
    'files-any-bytes',
    'write then read gives the same bytes',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const { files } = sandbox;
      const contents: readonly Uint8Array[] = [
        new Uint8Array(0),
        allBytes,
        Uint8Array.from([0xef, 0xbb, 0xbf, 0x61]),
        encoder.encode('no newline at the end'),
        encoder.encode('\r\n\n\n'),
        Buffer.alloc(65_536, 0xff),
      ];
      for (const [index, bytes] of contents.entries()) {
        await files.write(`${directory}/${index}`, bytes);
        t.bytes(await files.readBytes(`${directory}/${index}`), bytes, `contents ${index}`);
      }
      t.equal(
        await files.readText(`${directory}/2`),
        '\uFEFFa',
        'text that begins with a byte order mark',
      );
      await t.rejects(
        'invalid-argument',
        () => files.readText(`${directory}/1`),
        'readText of what is no UTF-8',
      );
      const parts = ReadableStream.from<Uint8Array>([allBytes, encoder.encode('x'), allBytes]);
      await files.write(`${directory}/stream`, parts);
      t.bytes(
        await files.readBytes(`${directory}/stream`),
        Buffer.concat([allBytes, Buffer.from('x'), allBytes]),
        'a streamed file',
      );
    },
  ),
  must('core/files-large', 'files-any-bytes', 'five megabytes go in and out whole', async (t) => {
    const { sandbox, directory } = await t.shared();
    const bytes = Buffer.alloc(5 * 1024 * 1024 + 3);
    for (let index = 0; index < bytes.length; index += 61) bytes[index] = index & 0xff;
    await sandbox.files.write(`${directory}/large`, bytes);
    const sum = await sandbox.exec('sha256sum large', { cwd: directory });
    const expected = createHash('sha256').update(bytes).digest('hex');
    t.equal(t.succeeded(sum, 'sha256sum').slice(0, 64), expected, 'digest in the sandbox');
    t.bytes(await sandbox.files.readBytes(`${directory}/large`), bytes, 'read back');
  }),
  must('core/files-not-found', 'files-not-found', 'not-found is a confirmed absence', async (t) => {
    const { sandbox, directory } = await t.shared();
    const { files } = sandbox;
    await files.write(`${directory}/file`, 'x');
    await files.symlink('nowhere', `${directory}/dangling`);
    const absent = `${directory}/none/below`;
    t.equal(
      [
        await files.exists(`${directory}/file`),
        await files.exists(`${directory}/dangling`),
        await files.exists(absent),
      ],
      [true, true, false],
      'exists',
    );
    for (const [what, work] of [
      ['readBytes', () => files.readBytes(absent)],
      ['stat', () => files.stat(absent)],
      ['list', () => files.list(absent)],
      ['remove', () => files.remove(absent)],
      ['move', () => files.move(absent, `${directory}/other`)],
      ['setMode', () => files.setMode(absent, 0o600)],
      ['readBytes through a dangling link', () => files.readBytes(`${directory}/dangling`)],
    ] as const) {
      const error = await t.rejects('not-found', work, what);
      t.equal(typeof error.details['path'], 'string', `details.path of ${what}`);
    }
  }),
  must(
    'core/files-no-answer',
    'files-not-found',
    'an unanswered question is never an absence',
    async (t) => {
      const sandbox = await t.create(
        {},
        t.provider.wrap((driver) => {
          let lose = false;
          return {
            ...driver,
            async spawn(handle, command, call) {
              if (command.argv[0] === 'lose') lose = true;
              if (lose && command.argv[0] !== 'lose')
                throw Object.assign(new Error('reset'), { code: 'ECONNRESET' });
              return driver.spawn(
                handle,
                { ...command, argv: command.argv[0] === 'lose' ? ['true'] : command.argv },
                call,
              );
            },
          };
        }),
      );
      await sandbox.files.write('file', 'x');
      t.equal(
        [await sandbox.files.exists('file'), await sandbox.files.exists('none')],
        [true, false],
        'exists with the link up',
      );
      await sandbox.exec(['lose']);
      await t.rejects('unavailable', () => sandbox.files.exists('none'), 'exists without a link');
      await t.rejects('unavailable', () => sandbox.files.stat('none'), 'stat without a link');
    },
  ),
  must(
    'core/files-permission',
    'files-not-found',
    'a path that may not be looked at is permission-denied',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      if (t.succeeded(await sandbox.exec('id -u'), 'id').trim() === '0') {
        // Root may look everywhere: only what the kernel itself keeps shut is left to ask for.
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
