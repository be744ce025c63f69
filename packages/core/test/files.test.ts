import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import type { Sandbox } from '../src/contract/sandbox.ts';
import { defineProvider } from '../src/driver.ts';
import { hostDriver, type HostDriverOptions } from './host-driver.ts';
import { busyboxTools } from './tool-sets.ts';

const tools = busyboxTools();
afterAll(() => tools.remove());

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const oddNames = [
  'plain',
  'with space',
  '-dash',
  '--help',
  'quo\'te"s',
  'new\nline',
  'trailing newline\n',
  'tab\tand$(touch x)`y`;&|',
  '*?[a]',
  '.hidden',
  '...',
  '\\0101\\n%s',
  'e\\0101',
  'größe-日本語-🧪',
  'x'.repeat(255),
].map((name) => Buffer.from(name));
const notUtf8 = Buffer.from([0x66, 0xff, 0xfe, 0x0a, 0x80, 0x27]);

/** A root caller drops to `nobody`, since permissions mean nothing to root. */
const unprivileged: HostDriverOptions = process.getuid?.() === 0 ? { uid: 65_534 } : {};

const subjects: readonly [string, HostDriverOptions][] = [
  ['GNU tools', {}],
  ['busybox', { toolDirectory: tools.directory }],
  ['decoded text output', { traits: { output: 'text' } }],
  ['busybox, decoded text output', { toolDirectory: tools.directory, traits: { output: 'text' } }],
  ['input at the start only', { traits: { stdin: 'upfront' } }],
  ['no input at all', { traits: { stdin: 'none', output: 'text' } }],
];

describe.each(subjects)('derived files with %s', (_, options) => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await defineProvider(hostDriver({ ...unprivileged, ...options })).create();
  });
  afterAll(() => sandbox.destroy());

  test('keep every name and every byte', async () => {
    await sandbox.files.makeDirectory('names');
    for (const name of [...oddNames, notUtf8]) {
      const path = Buffer.concat([Buffer.from('names/'), name]);
      await sandbox.files.write(path, everyByte, { mode: 0o640 });
      expect(Buffer.from(await sandbox.files.readBytes(path))).toEqual(Buffer.from(everyByte));
    }
    const entries = await sandbox.files.list('names');
    const expected = [...oddNames, notUtf8].toSorted((a, b) => Buffer.compare(a, b));
    expect(entries.map((entry) => Buffer.from(entry.nameBytes))).toEqual(expected);
    expect(entries.every((entry) => entry.type === 'file' && entry.size === 256)).toBe(true);
    expect(entries.every((entry) => entry.mode === 0o640)).toBe(true);
    await sandbox.files.remove('names');
    expect(await sandbox.files.exists('names')).toBe(false);
  });

  test('keep large contents exactly, and ranges of them', async () => {
    const bytes = Buffer.alloc(300_001, 'Gantry\0\xff', 'latin1');
    await sandbox.files.write('deep/er/large', bytes);
    const back = Buffer.from(await sandbox.files.readBytes('deep/er/large'));
    expect(back.equals(bytes)).toBe(true);
    for (const [offset, length] of [
      [0, 10],
      [299_999, 10],
      [300_001, 5],
      [7, 0],
      [123_456, 65_537],
    ] as const) {
      const part = Buffer.from(await sandbox.files.readBytes('deep/er/large', { offset, length }));
      expect(part.equals(bytes.subarray(offset, offset + length))).toBe(true);
    }
    const rest = await sandbox.files.readBytes('deep/er/large', { offset: 300_000 });
    expect(Buffer.from(rest).equals(bytes.subarray(300_000))).toBe(true);
    await sandbox.files.write('empty', '');
    expect(await sandbox.files.readText('empty')).toBe('');
  });

  test('describe links, directories and missing paths truly', async () => {
    const target = Buffer.from([0x2e, 0x2e, 0x2f, 0xff, 0x0a]);
    await sandbox.files.symlink(target, 'dangling');
    const link = await sandbox.files.stat('dangling');
    expect(link).toMatchObject({ type: 'symlink', size: target.length });
    expect(Buffer.from(link.target ?? []).equals(target)).toBe(true);
    expect(await sandbox.files.exists('dangling')).toBe(true);
    const listed = (await sandbox.files.list('.')).find((entry) => entry.name === 'dangling');
    expect(Buffer.from(listed?.target ?? []).equals(target)).toBe(true);
    await expect(sandbox.files.readText('dangling')).rejects.toMatchObject({ code: 'not-found' });
    await expect(sandbox.files.symlink('x', 'dangling')).rejects.toMatchObject({
      code: 'already-exists',
    });
    for (const missing of ['nothing', 'nothing/below', 'empty/below']) {
      expect(await sandbox.files.exists(missing)).toBe(false);
      await expect(sandbox.files.stat(missing)).rejects.toMatchObject({ code: 'not-found' });
    }
    const now = Date.now();
    await sandbox.files.write('fresh', 'x');
    const { modifiedMs } = await sandbox.files.stat('fresh');
    expect(Math.abs(modifiedMs - now)).toBeLessThan(60_000);
  });

  test('never take a path that may not be looked at for a missing one', async () => {
    await sandbox.files.write('locked/secret', 'x');
    await sandbox.files.setMode('locked', 0);
    const denied = { code: 'permission-denied' };
    await expect(sandbox.files.exists('locked/secret')).rejects.toMatchObject(denied);
    await expect(sandbox.files.stat('locked/secret')).rejects.toMatchObject(denied);
    await expect(sandbox.files.readText('locked/none')).rejects.toMatchObject(denied);
    await expect(sandbox.files.list('locked')).rejects.toMatchObject(denied);
    await expect(sandbox.files.write('/gantry-test', 'x')).rejects.toMatchObject(denied);
    await sandbox.files.setMode('locked', 0o755);
    expect(await sandbox.files.readText('locked/secret')).toBe('x');
  });

  test('refuse to read or replace what is no regular file, without hanging', async () => {
    await sandbox.exec(['mkfifo', 'fifo']);
    const refused = { code: 'failed-precondition', details: { reason: 'not-a-file' } };
    for (const path of ['fifo', '/dev/zero', '.']) {
      await expect(sandbox.files.readBytes(path)).rejects.toMatchObject(refused);
      await expect(sandbox.files.write(path, 'x')).rejects.toMatchObject(refused);
    }
    expect(await sandbox.files.stat('fifo')).toMatchObject({ type: 'fifo' });
  });

  test('replace a file whole, keep its mode, follow its link, leave nothing behind', async () => {
    await sandbox.files.write('tool', 'one', { mode: 0o751 });
    await sandbox.files.symlink('tool', 'alias');
    await sandbox.files.write('alias', 'two');
    expect(await sandbox.files.readText('tool')).toBe('two');
    expect(await sandbox.files.stat('tool')).toMatchObject({ mode: 0o751 });
    expect(await sandbox.files.stat('alias')).toMatchObject({ type: 'symlink' });
    async function* failing(): AsyncGenerator<string> {
      yield 'half';
      throw new Error('the source broke');
    }
    await expect(sandbox.files.write('tool', failing())).rejects.toThrow('the source broke');
    expect(await sandbox.files.readText('tool')).toBe('two');
    const left = (await sandbox.files.list('.')).filter((entry) =>
      entry.name.startsWith('.gantry'),
    );
    expect(left).toEqual([]);
  });

  test('move over files and empty directories, and never into a directory', async () => {
    await sandbox.files.write('m/from', '1');
    await sandbox.files.write('m/to', '2');
    await sandbox.files.move('m/from', 'm/to');
    expect(await sandbox.files.readText('m/to')).toBe('1');
    await sandbox.files.makeDirectory('m/empty');
    await sandbox.files.write('m/full/inside', 'x');
    await expect(sandbox.files.move('m/empty', 'm/full')).rejects.toMatchObject({
      details: { reason: 'not-empty' },
    });
    await expect(sandbox.files.move('m/to', 'm/full')).rejects.toMatchObject({
      code: 'failed-precondition',
    });
    await sandbox.files.symlink('full', 'm/link');
    await sandbox.files.move('m/to', 'm/link');
    expect(await sandbox.files.stat('m/link')).toMatchObject({ type: 'file' });
    await sandbox.files.move('m/full', 'm/empty');
    expect(await sandbox.files.readText('m/empty/inside')).toBe('x');
    await sandbox.files.move('m/empty', 'm/x/../empty');
    expect(await sandbox.files.readText('m/empty/inside')).toBe('x');
    await expect(sandbox.files.move('m/gone', 'm/y')).rejects.toMatchObject({ code: 'not-found' });
  });

  test('refuse bad paths, modes and the workspace itself before anything runs', async () => {
    const invalid = { code: 'invalid-argument', provider: 'host', outcome: 'not-started' };
    for (const path of ['', 'a\0b']) {
      await expect(sandbox.files.stat(path)).rejects.toMatchObject(invalid);
    }
    for (const path of ['.', '/', '/workspace', '/workspace/.', '//workspace//']) {
      await expect(sandbox.files.remove(path)).rejects.toMatchObject(invalid);
      await expect(sandbox.files.move(path, 'elsewhere')).rejects.toMatchObject(invalid);
    }
    await expect(sandbox.files.write('x', '', { mode: 0o10000 })).rejects.toMatchObject(invalid);
    await expect(sandbox.files.readBytes('x', { offset: -1 })).rejects.toMatchObject(invalid);
    await expect(sandbox.files.makeDirectory('empty')).rejects.toMatchObject({
      code: 'already-exists',
    });
  });
});

test('any bytes survive any name (property)', async () => {
  await using sandbox = await defineProvider(hostDriver()).create();
  const names = fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    .map((bytes) => bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x41 : byte)))
    .filter((bytes) => !['.', '..'].includes(Buffer.from(bytes).toString('latin1')));
  const property = fc.asyncProperty(
    names,
    fc.uint8Array({ maxLength: 5_000 }),
    async (name, bytes) => {
      const path = Buffer.concat([Buffer.from('p/'), name]);
      await sandbox.files.write(path, bytes);
      const listed = await sandbox.files.list('p');
      expect(listed.map((entry) => Buffer.from(entry.nameBytes).equals(name))).toEqual([true]);
      expect(Buffer.from(await sandbox.files.readBytes(path)).equals(bytes)).toBe(true);
      await sandbox.files.remove(path);
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

test('a restricted sandbox of another user does everything in that name', async () => {
  const driver = hostDriver();
  const refuse = async (): Promise<never> => {
    throw new Error('the driver knows no user');
  };
  const users: (string | undefined)[] = [];
  const provider = defineProvider({
    ...driver,
    users: {},
    files: { read: refuse, write: refuse },
    async spawn(handle, command, call) {
      users.push(command.user);
      return driver.spawn(handle, command, call);
    },
  });
  await using sandbox = await provider.create();
  users.length = 0;
  const ann = sandbox.restricted({ user: 'ann' });
  await ann.files.write('a', 'text', { mode: 0o600 });
  expect(await ann.files.readText('a')).toBe('text');
  expect(await ann.files.list('.')).toMatchObject([{ name: 'a', mode: 0o600 }]);
  expect((await ann.exec('cat a')).stdout.text).toBe('text');
  await using cat = await ann.spawn(['cat', 'a']);
  expect((await cat.exit).code).toBe(0);
  expect(users.length).toBeGreaterThanOrEqual(5);
  expect(new Set(users)).toEqual(new Set(['ann']));

  await using plain = await defineProvider(driver).create();
  expect(() => plain.restricted({ user: 'ann' })).toThrow(
    expect.objectContaining({ code: 'unsupported' }),
  );
});
