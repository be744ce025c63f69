import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { caught } from '../../test/manifest/caught.ts';
import { freshCall } from '../../test/manifest/host-workspace-target.ts';
import type { ManifestEntry } from '../contract/manifest-types.ts';
import { pathText } from './byte-path.ts';
import type { ResolvedManifest } from './resolve-manifest.ts';
import { resolveManifest } from './resolve-manifest.ts';
import type { TemporaryDirectory } from './temporary-directory.ts';
import { temporaryDirectory } from './temporary-directory.ts';

let temporary: TemporaryDirectory;
let base = '';
let source = '';
beforeEach(async () => {
  temporary = await temporaryDirectory('test');
  base = temporary.path;
  source = path.join(base, 'source');
  mkdirSync(source);
});
afterEach(() => temporary[Symbol.asyncDispose]());

function resolve(entries: Record<string, ManifestEntry>): Promise<ResolvedManifest> {
  return resolveManifest(
    { spec: 'gantry-manifest/1', entries },
    { baseDirectory: base, call: freshCall() },
  );
}

async function walked(exclude: readonly string[] = []): Promise<string[]> {
  const resolved = await resolve({ at: { type: 'localDir', source: 'source', exclude } });
  return resolved.sources[0]?.items.map((item) => pathText(item.path)) ?? [];
}

describe('a local directory', () => {
  test('keeps modes, empty directories, odd names and inner links, in byte order', async () => {
    mkdirSync(path.join(source, 'empty'), { mode: 0o700 });
    writeFileSync(path.join(source, 'run'), 'x', { mode: 0o750 });
    linkSync(path.join(source, 'run'), path.join(source, 'same'));
    writeFileSync(Buffer.concat([Buffer.from(`${source}/z`), Buffer.from([0xfe])]), '');
    symlinkSync('../source-not/../empty/..', path.join(source, 'empty', 'dangling'));
    symlinkSync('empty/../run', path.join(source, 'a-link'));
    const resolved = await resolve({ at: { type: 'localDir', source: 'source' } });
    const items = resolved.sources[0]?.items.map((item) => ({
      ...item,
      path: pathText(item.path),
    }));
    expect(items?.map((item) => item.path)).toEqual([
      'at',
      'at/a-link',
      'at/empty',
      'at/empty/dangling',
      'at/run',
      'at/same',
      String.raw`at/z\xfe`,
    ]);
    expect(items?.[1]).toMatchObject({ type: 'symlink', target: 'empty/../run' });
    expect(items?.[2]).toMatchObject({ type: 'directory', mode: 0o700 });
    // A hard link is one more file.
    expect(items?.[5]).toMatchObject({ type: 'file', mode: 0o750, size: 1 });
  });

  test('excludes as .gitignore does', async () => {
    for (const name of [
      'keep/a.log',
      'keep/b.txt',
      'node_modules/x/y',
      'Build/x',
      'deep/er/c.log',
      'c.LOG',
    ]) {
      mkdirSync(path.dirname(path.join(source, name)), { recursive: true });
      writeFileSync(path.join(source, name), '');
    }
    symlinkSync('/etc', path.join(source, 'node_modules', 'out'));
    const found = await walked([
      '# comment',
      '*.log',
      '!keep/a.log',
      'node_modules/',
      '/Build',
      'build',
    ]);
    expect(found).toEqual([
      'at',
      'at/c.LOG',
      'at/deep',
      'at/deep/er',
      'at/keep',
      'at/keep/a.log',
      'at/keep/b.txt',
    ]);
  });

  test.each([
    ['an absolute target', () => symlinkSync('/etc/passwd', path.join(source, 'bad'))],
    ['a target above', () => symlinkSync('../outside', path.join(source, 'bad'))],
    ['a target above by a detour', () => symlinkSync('x/../../outside', path.join(source, 'bad'))],
    [
      'a chain that leaves',
      () => {
        mkdirSync(path.join(source, 'd'));
        symlinkSync('..', path.join(source, 'd', 'up'));
        symlinkSync('d/up/../outside', path.join(source, 'bad'));
      },
    ],
    [
      'a link through a link that leaves',
      () => {
        symlinkSync('/etc', path.join(source, 'etc'));
        symlinkSync('etc/passwd', path.join(source, 'bad'));
      },
    ],
  ])('a symbolic link with %s is refused by name', async (_what, plant) => {
    plant();
    const error = await caught(() => walked());
    expect(error.code).toBe('failed-precondition');
    expect(error.message).toMatch(/the symbolic link (?:bad|etc) in /);
  });

  test('a loop of links stays inside and is kept', async () => {
    symlinkSync('b', path.join(source, 'a'));
    symlinkSync('a', path.join(source, 'b'));
    expect(await walked()).toEqual(['at', 'at/a', 'at/b']);
  });

  test('fifos and sockets are refused by name, and do not block', async () => {
    execFileSync('mkfifo', [path.join(source, 'pipe')]);
    expect((await caught(() => walked())).message).toContain(
      'source/pipe is a socket, fifo or device',
    );
    expect(
      (await caught(() => resolve({ at: { type: 'localFile', source: 'source/pipe' } }))).message,
    ).toContain('is not a regular file');
    const server = createServer();
    await new Promise<void>((done) => server.listen(path.join(source, 'sock'), done));
    expect((await caught(() => walked(['pipe']))).message).toContain('source/sock is a socket');
    await new Promise((done) => server.close(done));
  });
});

describe('sources that are not as they should be', () => {
  test('missing, of the wrong kind, or given twice', async () => {
    expect((await caught(() => resolve({ a: { type: 'localFile', source: 'no' } }))).code).toBe(
      'not-found',
    );
    const directory = await caught(() => resolve({ a: { type: 'localFile', source: 'source' } }));
    expect(directory.message).toContain('is not a regular file');
    writeFileSync(path.join(source, 'x'), '');
    const twice = await caught(() =>
      resolve({ a: { type: 'localDir', source: 'source' }, 'a/x': { type: 'file', text: '' } }),
    );
    expect(twice.message).toContain('a/x is put there twice');
    const below = await caught(() =>
      resolve({ a: { type: 'localDir', source: 'source' }, 'a/x/y': { type: 'file', text: '' } }),
    );
    expect(below.message).toContain('a/x/y is below a/x, which is no directory');
    const closed = await caught(() =>
      resolve({ a: { type: 'dir', mode: '0600' }, 'a/x': { type: 'file', text: '' } }),
    );
    expect(closed.message).toContain('keeps its owner out');
  });

  test('two entries may share directories, and the inner one says the mode', async () => {
    mkdirSync(path.join(source, 'sub'), { mode: 0o711 });
    const resolved = await resolve({
      a: { type: 'localDir', source: 'source' },
      'a/sub': { type: 'dir', mode: '0700' },
      'a/sub/new/f': { type: 'file', text: '' },
    });
    expect(resolved.sources).toHaveLength(3);
  });

  test('unreadable files are permission-denied', async () => {
    const secret = path.join(source, 'secret');
    writeFileSync(secret, '');
    chmodSync(secret, 0);
    // Root reads everything, so another user is asked; anyone else asks as himself.
    chmodSync(base, 0o755);
    const manifest = {
      spec: 'gantry-manifest/1',
      entries: { a: { type: 'localFile', source: secret } },
    };
    const script = `import { resolveManifest } from ${JSON.stringify(path.join(import.meta.dirname, 'resolve-manifest.ts'))};
      if (process.getuid() === 0) process.setuid(65534);
      const call = { signal: new AbortController().signal };
      await resolveManifest(${JSON.stringify(manifest)}, { baseDirectory: '/', call })
        .catch((error) => console.log(error.code));`;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', script]);
    expect(said.toString().trim()).toBe('permission-denied');
  });
});

describe('host mounts (probe 46)', () => {
  const grant = async (grantSource: string): Promise<string> =>
    (await caught(() => resolve({ m: { type: 'hostMount', source: grantSource } }))).message;

  test.each([
    ['/', 'is the whole host'],
    ['/proc', 'is in /proc'],
    ['/proc/1', 'is in /proc'],
    ['/sys/kernel', 'is in /sys'],
    ['/dev/null', 'is in /dev'],
    ['/run', 'is in /run'],
    ['/var', 'holds /var/run'],
    ['/var/run', 'symbolic link'],
    ['/etc/../proc', 'is in /proc'],
  ])('%s is refused: %s', async (grantSource, rule) => {
    expect(await grant(grantSource)).toContain(rule);
  });

  test('links, sockets, fifos and missing paths are refused', async () => {
    symlinkSync(source, path.join(base, 'link'));
    expect(await grant('link')).toContain('has a symbolic link in it');
    mkdirSync(path.join(source, 'in'));
    expect(await grant('link/in')).toContain('has a symbolic link in it');
    execFileSync('mkfifo', [path.join(base, 'pipe')]);
    expect(await grant('pipe')).toContain('is a socket, fifo or device');
    const server = createServer();
    await new Promise<void>((done) => server.listen(path.join(base, 'docker.sock'), done));
    expect(await grant('docker.sock')).toContain('is a socket, fifo or device');
    await new Promise((done) => server.close(done));
    expect(await grant('none')).toContain('there is no such file');
  });

  test('a good grant becomes a read-only mount unless it says otherwise', async () => {
    const resolved = await resolve({
      tools: { type: 'hostMount', source: 'source' },
      'data/w': { type: 'hostMount', source, writable: true },
    });
    expect(resolved.mounts).toEqual([
      { kind: 'hostMount', source, target: '/workspace/data/w', writable: true },
      { kind: 'hostMount', source, target: '/workspace/tools', writable: false },
    ]);
    expect(resolved.sources).toEqual([]);
  });
});
