import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { caught } from '../../test/manifest/caught.ts';
import { freshCall, hostWorkspace } from '../../test/manifest/host-workspace-target.ts';
import { paxEntry, tarBytes } from '../../test/manifest/tar-bytes.ts';
import type { MadeEntry } from '../../test/manifest/tar-bytes.ts';
import { pathText } from './byte-path.ts';
import { materialize } from './materialize.ts';
import { planManifest } from './plan-manifest.ts';
import { resolveArchive } from './resolve-archive.ts';
import { resolveManifest } from './resolve-manifest.ts';
import type { TemporaryDirectory } from './temporary-directory.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import type { ItemSource } from './workspace-item.ts';

let temporary: TemporaryDirectory;
beforeEach(async () => {
  temporary = await temporaryDirectory('test');
});
afterEach(() => temporary[Symbol.asyncDispose]());

function resolve(bytes: Uint8Array, more: { sha256?: string } = {}): Promise<ItemSource> {
  writeFileSync(path.join(temporary.path, 'a.tar'), bytes);
  return resolveArchive(
    'at',
    { type: 'archive', source: 'a.tar', ...more },
    temporary.path,
    freshCall(),
  );
}

const good = tarBytes(
  { path: './', type: 'directory', mode: 0o750 },
  { path: './deep/er/run', contents: '#!/bin/sh\n', mode: 0o4755 },
  { path: 'deep', type: 'directory', mode: 0o700 },
  { path: 'link', type: 'symlink', target: 'deep/er/run' },
  { path: 'same', type: 'hardlink', target: './deep/er/run' },
  { path: Buffer.from([0x6f, 0xff]), contents: 'odd' },
);

test.each([
  ['plain', good],
  ['gzip', gzipSync(good)],
  ['zstd', zstdCompressSync(good)],
  ['gzip with bytes behind it', Buffer.concat([gzipSync(good), Buffer.alloc(100_000)])],
])('%s is taken by its contents, and its digest checked', async (_form, bytes) => {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const source = await resolve(bytes, { sha256 });
  expect(source.items.map((item) => `${item.type} ${pathText(item.path)}`)).toEqual([
    'directory at',
    'directory at/deep',
    'directory at/deep/er',
    'file at/deep/er/run',
    'symlink at/link',
    String.raw`file at/o\xff`,
    'hardlink at/same',
  ]);
  expect(source.items[0]).toMatchObject({ mode: 0o750 });
  expect(source.items[1]).toMatchObject({ mode: 0o700 });
  expect(source.items[3]).toMatchObject({ mode: 0o755 });
  expect(source.notes).toEqual(['special mode bits taken off 1 entries']);
  const wrong = await caught(() => resolve(bytes, { sha256: '0'.repeat(64) }));
  expect(wrong.details).toEqual({ path: 'at', expected: '0'.repeat(64), actual: sha256 });
});

// Probe 41.
test.each<[string, ...MadeEntry[]]>([
  ['.. in a name', { path: 'a/../../x' }],
  ['an absolute name', { path: '/etc/x' }],
  ['an absolute link', { path: 'l', type: 'symlink', target: '/etc' }],
  ['a link that leaves', { path: 'd/l', type: 'symlink', target: '../../x' }],
  [
    'links that leave together',
    { path: 'd', type: 'directory' },
    { path: 'd/up', type: 'symlink', target: '..' },
    { path: 'l', type: 'symlink', target: 'd/up/../x' },
  ],
  [
    'writing through a link',
    { path: 'd', type: 'directory' },
    { path: 'l', type: 'symlink', target: 'd' },
    { path: 'l/x' },
  ],
  ['a link in place of a directory', { path: 'd/f' }, { path: 'd', type: 'symlink', target: 'e' }],
  ['a hard link to outside', { path: 'h', type: 'hardlink', target: '../../etc/passwd' }],
  ['a hard link to an absolute path', { path: 'h', type: 'hardlink', target: '/etc/passwd' }],
  ['a hard link to what is not there', { path: 'h', type: 'hardlink', target: 'x' }],
  [
    'a hard link to a symbolic link',
    { path: 'l', type: 'symlink', target: 'x' },
    { path: 'h', type: 'hardlink', target: 'l' },
  ],
  ['a device', { path: 'x', flag: '4' }],
  ['a file twice', { path: 'x' }, { path: './x' }],
  ['a directory twice', { path: 'x', type: 'directory' }, { path: 'x/', type: 'directory' }],
  ['a long name of GNU form that leaves', { path: `${'d'.repeat(120)}/../../x` }],
  ['a pax path that leaves', paxEntry({ path: '../x' }), { path: 'harmless' }],
  [
    'a pax link that leaves',
    paxEntry({ linkpath: '/etc' }),
    { path: 'l', type: 'symlink', target: 'a' },
  ],
  ['a sparse file', paxEntry({ 'GNU.sparse.size': '1099511627776' }), { path: 'x' }],
  ['a name too long for file systems', { path: 'x'.repeat(300) }],
  ['a root that is a link', { path: './', type: 'symlink', target: 'a' }],
])('%s is refused', async (_what, ...entries) => {
  const error = await caught(() => resolve(tarBytes(...entries)));
  expect(error.code).toBe('failed-precondition');
  expect(error.details['path']).toEqual(expect.any(String));
});

test('refusing leaves no file open', async () => {
  const open = (): number => readdirSync('/proc/self/fd').length;
  const [hostile, before] = [tarBytes({ path: '../x', contents: 'x'.repeat(400_000) }), open()];
  for (const bytes of [hostile, gzipSync(hostile), zstdCompressSync(hostile), hostile]) {
    await caught(() => resolve(bytes));
  }
  expect(open()).toBe(before);
});

test('a bomb is refused at the limit, and damage is data-loss', async () => {
  const limits = { maxBytes: 1_000_000, maxEntries: 10 };
  const file = path.join(temporary.path, 'bomb.tgz');
  writeFileSync(file, gzipSync(tarBytes({ path: 'x', contents: '\0'.repeat(5_000_000) })));
  const entry = { type: 'archive', source: file } as const;
  const bomb = await caught(() => resolveArchive('at', entry, '/', freshCall(), limits));
  expect(bomb.code).toBe('resource-exhausted');
  expect((await caught(() => resolve(gzipSync(good).subarray(0, 100)))).code).toBe('data-loss');
  expect((await caught(() => resolve(Buffer.from('no tar file at all'.repeat(99))))).code).toBe(
    'data-loss',
  );
  expect((await caught(() => resolve(Buffer.alloc(0)))).code).toBe('data-loss');
});

test.each(['coreutils', 'busybox'] as const)('it arrives whole, with %s', async (tools) => {
  await using workspace = await hostWorkspace(tools);
  writeFileSync(path.join(temporary.path, 'a.tgz'), gzipSync(good));
  const resolved = await resolveManifest(
    { spec: 'gantry-manifest/1', entries: { at: { type: 'archive', source: 'a.tgz' } } },
    { baseDirectory: temporary.path, call: freshCall() },
  );
  const plan = planManifest(resolved, { provider: 'host', capabilities: workspace.capabilities });
  const { entries } = await materialize(resolved, plan, workspace, freshCall());
  const sha256 = createHash('sha256').update('#!/bin/sh\n').digest('hex');
  expect(entries.find((entry) => entry.path === 'at/same')).toEqual({
    path: 'at/same',
    type: 'file',
    mode: '0755',
    size: 10,
    sha256,
  });
  expect(readFileSync(path.join(workspace.workspace, 'at/link'), 'utf8')).toBe('#!/bin/sh\n');

  const others = [
    tarBytes({ path: 'deep/er/run', contents: 'other' }),
    tarBytes(),
    tarBytes({ path: 'new' }),
  ];
  for (const bytes of others) {
    writeFileSync(path.join(temporary.path, 'a.tgz'), gzipSync(bytes));
    const changed = await caught(() => materialize(resolved, plan, workspace, freshCall()));
    expect(changed.code).toBe('aborted');
    expect(changed.message).toContain('a.tgz changed while it was sent');
  }
});
