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
];
