import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Provider, Sandbox } from '../../src/index.ts';
import { exportOci, importTar, memoryStore } from '../../src/snapshot.ts';
import { inChunks, type MadeEntry, tarBytes } from '../manifest/tar-bytes.ts';
import { directoryProvider, inWorkspace, openWorkspace } from './workspaces.ts';

vi.setConfig({ testTimeout: 240_000 });

const failsWith = (code: string): unknown => expect.objectContaining({ code });
const folder = mkdtempSync(path.join(tmpdir(), 'gantry-exchange-'));
let provider: Provider & Disposable;
let sandbox: Sandbox;
beforeAll(async () => {
  provider = directoryProvider('GNU');
  sandbox = await openWorkspace(await provider.create());
});
afterAll(async () => {
  await sandbox.destroy();
  provider[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

describe('an OCI image layout', () => {
  test('its layers, applied one after another, give the workspace', async () => {
    const store = memoryStore();
    inWorkspace(
      sandbox,
      'mkdir -p d/inner e; printf 1 > d/a; printf 2 > d/inner/b; ln d/a hard; ln -s /etc link; printf x > e/x',
    );
    const first = await sandbox.snapshot(store);
    inWorkspace(
      sandbox,
      'rm -r d/inner; printf changed > d/a; rm -r e; printf file > e; printf new > n; ln n m',
    );
    const second = await sandbox.snapshot(store, { parent: first });
    for (const layers of ['one', 'chain'] as const) {
      const directory = path.join(folder, layers);
      const image = await exportOci(second, store, directory, { layers });
      expect(image.layers).toBe(layers === 'one' ? 1 : 2);
      const blob = (digest: string): Buffer => {
        const bytes = readFileSync(path.join(directory, 'blobs/sha256', digest.slice(7)));
        expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(digest);
        return bytes;
      };
      const index = JSON.parse(readFileSync(path.join(directory, 'index.json'), 'utf8')) as {
        manifests: { digest: string }[];
      };
      expect(index.manifests[0]?.digest).toBe(image.digest);
      const manifest = JSON.parse(blob(image.digest).toString()) as {
        config: { digest: string };
        layers: { digest: string; size: number }[];
      };
      const config = JSON.parse(blob(manifest.config.digest).toString()) as {
        rootfs: { diff_ids: string[] };
      };
      const root = path.join(folder, `${layers}-root`);
      mkdirSync(root);
      for (const [number, { digest, size }] of manifest.layers.entries()) {
        expect(blob(digest).length).toBe(size);
        const tar = gunzipSync(blob(digest));
        const plain = createHash('sha256').update(tar).digest('hex');
        expect(config.rootfs.diff_ids[number]).toBe(`sha256:${plain}`);
        const names = execFileSync('tar', ['-t'], { input: tar, encoding: 'utf8' }).split('\n');
        const gone = names.filter((name) => path.basename(name).startsWith('.wh.'));
        for (const name of gone) {
          const hidden = path.join(path.dirname(name), path.basename(name).slice('.wh.'.length));
          rmSync(path.join(root, hidden), { recursive: true });
        }
        execFileSync('tar', ['-xp', '-C', root, '--exclude=.wh.*'], { input: tar });
      }
      const listing = 'find . -mindepth 1 -printf "%P %y %m %l\\n" | sort; cat d/a hard e n m';
      const there = execFileSync('/bin/sh', ['-c', listing], { cwd: path.join(root, 'workspace') });
      expect(there.toString()).toBe(inWorkspace(sandbox, listing));
      await expect(exportOci(second, store, directory)).rejects.toEqual(
        failsWith('already-exists'),
      );
      // One layer alone is a tar file of the workspace.
      const whole = manifest.layers.length === 1 ? manifest.layers : [];
      const back = whole.map(({ digest }) =>
        importTar(inChunks(blob(digest)), store, { directory: 'workspace' }),
      );
      const trees = (await Promise.all(back)).map(({ tree }) => tree);
      expect(trees).toEqual(layers === 'one' ? [second.tree] : []);
    }
  });
});

describe('a tar file', () => {
  test.each([
    ['plain', (bytes: Buffer) => bytes],
    ['gzip', (bytes: Buffer) => gzipSync(bytes)],
    ['zstd', (bytes: Buffer) => zstdCompressSync(bytes)],
  ])('%s, becomes a snapshot that is equal by digest', async (_, pack) => {
    inWorkspace(
      sandbox,
      'rm -rf -- *; mkdir -p d; printf 1 > d/a; ln d/a d/b; ln -s ../x d/l; head -c 2000000 /dev/zero > big; chmod 4711 d/a',
    );
    const tar = Buffer.from(
      inWorkspace(sandbox, 'tar -cf - --transform "s,^./,top/," ./d ./big'),
      'latin1',
    );
    const store = memoryStore();
    const taken = await sandbox.snapshot(store);
    const imported = await importTar(inChunks(pack(tar), 50_000), store, { directory: 'top' });
    expect(imported.tree).toBe(taken.tree);
    expect(imported).toMatchObject({ evidence: 'bytes', contents: taken.contents });
    await using again = await provider.rehydrate(imported, store, {
      verify: true,
      keepSpecialModes: true,
    });
    expect(again.origin.verified).toBe(true);
  });

  const hostile: readonly (readonly [string, readonly MadeEntry[], string])[] = [
    ['a name that climbs', [{ path: 'a/../../x' }], 'failed-precondition'],
    ['an absolute name', [{ path: '/x' }], 'failed-precondition'],
    [
      'a name through a link',
      [{ path: 'l', type: 'symlink', target: '/etc' }, { path: 'l/x' }],
      'failed-precondition',
    ],
    ['a name twice', [{ path: 'a' }, { path: 'a' }], 'failed-precondition'],
    ['a device', [{ path: 'a', flag: '3' }], 'failed-precondition'],
    [
      'a link to what is not there',
      [{ path: 'a', type: 'hardlink', target: 'b' }],
      'failed-precondition',
    ],
    ['a size that lies', [{ path: 'a', contents: 'x', claimedSize: 900_000 }], 'data-loss'],
  ];
  test.each(hostile)('with %s is refused', async (_, entries, code) => {
    const store = memoryStore();
    await expect(importTar(inChunks(tarBytes(...entries)), store)).rejects.toEqual(failsWith(code));
    expect(await Array.fromAsync(store.list('snapshots/'))).toEqual([]);
  });

  test('larger than the limits is refused while it is read', async () => {
    const bomb = gzipSync(tarBytes({ path: 'a', contents: 'x'.repeat(5_000_000) }));
    const limits = { maxBytes: 1_000_000 };
    await expect(importTar(inChunks(bomb), memoryStore(), { limits })).rejects.toEqual(
      failsWith('resource-exhausted'),
    );
    const many = tarBytes(...Array.from({ length: 50 }, (_, index) => ({ path: `f${index}` })));
    await expect(
      importTar(inChunks(many), memoryStore(), { limits: { maxEntries: 10 } }),
    ).rejects.toEqual(failsWith('resource-exhausted'));
  });
});
