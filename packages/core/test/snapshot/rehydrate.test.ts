import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DriverCapabilities, NativeSnapshotRef } from '../../src/contract/sandbox-driver.ts';
import { type DriverHandle, SandboxError, type SandboxDriver } from '../../src/driver.ts';
import type { Provider, Sandbox, Snapshot, SnapshotStore } from '../../src/index.ts';
import { memoryStore } from '../../src/snapshot.ts';
import { counting, faulty } from '../../src/testing.ts';
import { readAll } from '../../src/process/byte-source.ts';
import { directoryProvider, inWorkspace, openWorkspace } from './workspaces.ts';

vi.setConfig({ testTimeout: 240_000 });

const failsWith = (code: string, details: object = {}): unknown =>
  expect.objectContaining({ code, details: expect.objectContaining(details) as unknown });

let provider: Provider & Disposable;
let sandbox: Sandbox;
let store: SnapshotStore;
let snapshot: Snapshot;

beforeAll(async () => {
  provider = directoryProvider('GNU');
  sandbox = await openWorkspace(await provider.create());
  inWorkspace(
    sandbox,
    'mkdir d; for i in {1..30}; do head -c 3000 /dev/urandom > d/f$i; done; ln -s d link; printf run > d/run; chmod 755 d/run',
  );
});
beforeEach(async () => {
  store = memoryStore();
  snapshot = await sandbox.snapshot(store);
});
afterAll(async () => {
  await sandbox.destroy();
  provider[Symbol.dispose]();
});

/** Changes some bytes of an object of the store. */
async function damage(key: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  const bytes = await readAll(await store.get(key));
  await store.put(key, new Blob([change(bytes).slice()]).stream());
}

async function only(prefix: string): Promise<string> {
  const keys = (await Array.fromAsync(store.list(prefix))).map(({ key }) => key);
  expect(keys).toHaveLength(1);
  return keys[0] ?? '';
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}

/** How many sandboxes were made and not destroyed. */
function watched(): { readonly provider: Provider; readonly left: () => number } {
  const { wrapper, counts } = counting();
  return {
    provider: provider.wrap(wrapper),
    left: () => (counts.byOperation.get('create') ?? 0) - (counts.byOperation.get('destroy') ?? 0),
  };
}

describe('what cannot be brought back is an error, and leaves no sandbox', () => {
  test('a snapshot that is not there', async () => {
    const { provider: counted, left } = watched();
    const missing = 'ab'.repeat(32);
    await expect(counted.rehydrate(missing, store)).rejects.toEqual(failsWith('not-found'));
    await expect(counted.rehydrate(missing, memoryStore())).rejects.toEqual(failsWith('not-found'));
    await expect(counted.rehydrate('../x', store)).rejects.toEqual(failsWith('invalid-argument'));
    expect(left()).toBe(0);
  });

  test.each([
    ['a record', 'snapshots/'],
    ['an index', 'indexes/'],
  ])('%s with another byte in it', async (_, prefix) => {
    const { provider: counted, left } = watched();
    const key = await only(prefix);
    await damage(key, (bytes) => flipped(bytes, bytes.length - 5));
    const id = key.slice(prefix.length);
    // A store that is opened anew has nothing in memory.
    const fresh: SnapshotStore = { ...store };
    const rehydrated = counted.rehydrate(snapshot.id, fresh);
    const object = expect.stringContaining(id) as unknown;
    await expect(rehydrated).rejects.toEqual(failsWith('data-loss', { object }));
    expect(left()).toBe(0);
  });

  test('every byte of a pack counts', async () => {
    const { provider: counted, left } = watched();
    const key = await only('packs/');
    const size = (await store.head(key))?.size ?? 0;
    for (const at of [200, Math.floor(size / 3), Math.floor(size / 2)]) {
      await damage(key, (bytes) => flipped(bytes, at));
      await expect(counted.rehydrate(snapshot, { ...store })).rejects.toEqual(
        failsWith('data-loss', { object: expect.stringMatching(/^(pack|object) /) as unknown }),
      );
      await damage(key, (bytes) => flipped(bytes, at));
    }
    await store.delete(key);
    await expect(counted.rehydrate(snapshot, { ...store })).rejects.toEqual(
      failsWith('data-loss', { object: expect.stringContaining('object') as unknown }),
    );
    expect(left()).toBe(0);
  });

  test('a workspace that does not become what was sent', async () => {
    const meddler = (driver: SandboxDriver): SandboxDriver => ({
      ...driver,
      async spawn(handle: DriverHandle, command, call) {
        const unpack = command.argv.some((text) => text.includes('tar -xpof'));
        const started = await driver.spawn(handle, command, call);
        if (!unpack) return started;
        const exit = started.exit.then(async (status) => {
          const argv = ['/bin/sh', '-c', 'chmod 600 d/run'] as const;
          await (
            await driver.spawn(
              handle,
              { ...command, argv, cwd: handle.workspace ?? '', stdin: 'none' },
              call,
            )
          ).exit;
          return status;
        });
        return { ...started, exit };
      },
    });
    await expect(provider.wrap(meddler).rehydrate(snapshot, store)).rejects.toEqual(
      failsWith('data-loss', { path: 'd/run' }),
    );
  });

  test('more than the limits allow, before anything is written', async () => {
    const { provider: counted, left } = watched();
    const tooLarge = counted.rehydrate(snapshot, store, { limits: { maxBytes: 10_000 } });
    await expect(tooLarge).rejects.toEqual(failsWith('resource-exhausted', { limit: 'maxBytes' }));
    const tooMany = counted.rehydrate(snapshot, store, { limits: { maxEntries: 10 } });
    await expect(tooMany).rejects.toEqual(failsWith('resource-exhausted', { limit: 'maxEntries' }));
    expect(left()).toBe(0);
  });

  test('a manifest with contents of its own', async () => {
    const manifest = {
      spec: 'gantry-manifest/1',
      entries: { a: { type: 'file', text: 'x' } },
    } as const;
    await expect(provider.rehydrate(snapshot, store, { manifest })).rejects.toEqual(
      failsWith('invalid-argument', { fields: ['entries.a'] }),
    );
  });

  test('a link that is lost while the contents travel', async () => {
    const plan = { rules: [{ operation: 'spawn', nth: 1, fault: { kind: 'fail' } }] } as const;
    const { wrapper, counts } = counting();
    const weak = provider.wrap(faulty(plan)).wrap(wrapper);
    await expect(weak.rehydrate(snapshot, store)).rejects.toEqual(failsWith('unavailable'));
    expect(counts.byOperation.get('destroy')).toBe(1);
  });
});

/** Native snapshots of a provider that has directories of the host for sandboxes: tar files in memory. */
function withNative(
  contents: Map<string, Buffer>,
  missing: 'gone' | 'expired' = 'gone',
): (driver: SandboxDriver) => SandboxDriver {
  return (driver) => {
    const tar = (handle: DriverHandle, how: string, input?: Buffer): Buffer =>
      execFileSync('tar', [how, '-', '-C', handle.workspace ?? '', ...(input ? [] : ['.'])], {
        input,
        maxBuffer: Infinity,
      });
    const nativeSnapshot: DriverCapabilities<DriverHandle>['nativeSnapshot'] = {
      kinds: [{ scope: 'workspace', sourceSurvives: true }],
      async take(handle, scope) {
        const id = String(contents.size);
        contents.set(id, tar(handle, '-cf'));
        return { spec: 'gantry-native-snapshot/1', provider: driver.id, id, scope };
      },
      async create({ id }, request, call) {
        const found = contents.get(id);
        if (found === undefined) {
          throw new SandboxError('not-found', 'no such snapshot', { details: { reason: missing } });
        }
        const handle = await driver.create(request, call);
        tar(handle, '-xpf', found);
        return handle;
      },
      async remove({ id }) {
        contents.delete(id);
      },
    };
    return { ...driver, nativeSnapshot };
  };
}

describe('native snapshots are tried first, and never trusted', () => {
  const lost = (id: string): NativeSnapshotRef => ({
    ...{ spec: 'gantry-native-snapshot/1', provider: 'host', id, scope: 'workspace' },
  });

  test('used, gone, expired, or different', async () => {
    const contents = new Map<string, Buffer>();
    const able = provider.wrap(withNative(contents));
    await using source = await openWorkspace(await able.rehydrate(snapshot, store));
    const native = await source.nativeSnapshot('workspace');
    const options = { native, verify: true };
    await using quick = await able.rehydrate(snapshot, store, options);
    expect(quick.origin).toMatchObject({ by: 'native-snapshot', native: 'used', verified: true });
    inWorkspace(source, 'printf different > d/f1');
    const other = await source.nativeSnapshot('workspace');
    await using careful = await able.rehydrate(snapshot, store, { native: other, verify: true });
    expect(careful.origin).toMatchObject({ by: 'snapshot', native: 'different', verified: true });
    await using gone = await able.rehydrate(snapshot, store, { native: lost('none') });
    expect(gone.origin).toMatchObject({ by: 'snapshot', native: 'gone', tree: snapshot.tree });
    const expired = provider.wrap(withNative(contents, 'expired'));
    await using late = await expired.rehydrate(snapshot, store, { native: lost('none') });
    expect(late.origin).toMatchObject({ by: 'snapshot', native: 'expired' });
    // One of another provider, or where there are none, is no obstacle.
    await using plain = await provider.rehydrate(snapshot, store, { native });
    expect(plain.origin.native).toBeUndefined();
  });

  test('fork takes the fastest way that there is, and says which', async () => {
    await expect(sandbox.fork(2)).rejects.toEqual(failsWith('unsupported', { capability: 'fork' }));
    const forks = await sandbox.fork(2, { store });
    for (const fork of forks) {
      if (fork.status === 'rejected') throw fork.reason;
      expect(fork.value.origin).toMatchObject({ how: 'forked', by: 'snapshot', of: sandbox.ref });
      expect((await fork.value.exec('cat d/run')).stdout.text).toBe('run');
      await fork.value.destroy();
    }
    const contents = new Map<string, Buffer>();
    const able = provider.wrap(withNative(contents));
    await using source = await able.rehydrate(snapshot, store);
    const [native] = await source.fork(1, { store });
    if (native?.status !== 'fulfilled') throw native?.reason;
    expect(native.value.origin).toMatchObject({ how: 'forked', by: 'native-snapshot' });
    expect((await native.value.exec('cat d/run')).stdout.text).toBe('run');
    await native.value.destroy();
    expect(contents.size).toBe(0);
  });
});

describe('recover', () => {
  test('reattaches, rehydrates, recreates, or says that it is gone', async () => {
    const source = await provider.rehydrate(snapshot, store);
    const { ref } = source;
    const rehydrate = { snapshot, store };
    const same = await provider.recover(ref, { rehydrate });
    expect(same.origin).toEqual({
      ...{ spec: 'gantry-origin/1', how: 'reattached', of: ref, lost: [] },
    });
    await same[Symbol.asyncDispose]();
    expect((await source.exec('true')).ok).toBe(true);
    await source.destroy();
    await using back = await provider.recover(ref, { rehydrate });
    expect(back.origin).toMatchObject({ how: 'rehydrated', of: ref, snapshot: snapshot.id });
    expect(back.origin.lost).toEqual(['processes', 'memory']);
    await using fresh = await provider.recover(ref, { recreate: {} });
    expect(fresh.origin).toMatchObject({ how: 'recreated', of: ref });
    expect(fresh.origin.lost).toContain('workspace');
    await expect(provider.recover(ref)).rejects.toEqual(failsWith('not-found'));
  });

  test('an error on the way is never taken for an absence', async () => {
    const plan = { rules: [{ operation: 'inspect', fault: { kind: 'fail' } }] } as const;
    const { wrapper, counts } = counting();
    const weak = provider.wrap(faulty(plan)).wrap(wrapper);
    const recovered = weak.recover(sandbox.ref, { recreate: {}, rehydrate: { snapshot, store } });
    await expect(recovered).rejects.toEqual(failsWith('unavailable'));
    expect(counts.byOperation.get('create')).toBeUndefined();
  });
});
