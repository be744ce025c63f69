import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { DriverHandle, SandboxDriver } from '../../src/driver.ts';
import { type Provider, type Sandbox, SandboxError } from '../../src/index.ts';
import { encryptedStore, memoryStore, verifyStore } from '../../src/snapshot.ts';
import { counting, faulty } from '../../src/testing.ts';
import { type MadeEntry, tarBytes } from '../manifest/tar-bytes.ts';
import {
  directoryProvider,
  inWorkspace,
  openWorkspace,
  toolSets,
  untilSettled,
  workspaceOf,
} from './workspaces.ts';

vi.setConfig({ testTimeout: 240_000 });

const failsWith = (code: string, details: object = {}): unknown =>
  expect.objectContaining({ code, details: expect.objectContaining(details) as unknown });

describe.each(toolSets)('with %s tools', (tools) => {
  let provider: Provider & Disposable;
  beforeAll(() => {
    provider = directoryProvider(tools);
  });
  afterAll(() => provider[Symbol.dispose]());

  test('an empty workspace', async () => {
    await using sandbox = await provider.create();
    const snapshot = await sandbox.snapshot(memoryStore());
    expect(snapshot.contents).toEqual({ files: 0, directories: 0, symlinks: 0, bytes: 0 });
  });

  test('a known secret is refused, wherever chunks are cut, and named by its place alone', async () => {
    await using sandbox = await openWorkspace(await provider.create());
    const secret = randomBytes(40).toString('hex');
    const refused = async (store = memoryStore()): Promise<void> => {
      const taking = sandbox.snapshot(store, { secrets: ['unrelated-value', secret] });
      const error = await taking.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ code: 'failed-precondition', details: { reason: 'secret' } });
      expect(JSON.stringify(error)).not.toContain(secret);
      expect(await Array.fromAsync(store.list('snapshots/'))).toEqual([]);
    };
    for (const offset of [0, 65_536 - 11, 262_144 - 40, 1_048_576 - 3]) {
      writeFileSync(path.join(workspaceOf(sandbox), 'file'), `${'x'.repeat(offset)}${secret}\n`);
      await refused();
    }
    inWorkspace(sandbox, `rm file; mkdir d; touch d/name-${secret}.txt`);
    await refused();
    inWorkspace(sandbox, `rm -r d; ln -s /a/${secret}/b link`);
    await refused();
    const taken = await sandbox.snapshot(memoryStore(), {
      secrets: [secret],
      acknowledgeSecrets: true,
    });
    expect(taken.contents.symlinks).toBe(1);
    await expect(sandbox.snapshot(memoryStore(), { secrets: ['short'] })).rejects.toEqual(
      failsWith('invalid-argument'),
    );
  });

  test('files that change while they are read come whole, or are reported', async () => {
    await using sandbox = await openWorkspace(await provider.create());
    inWorkspace(sandbox, 'for i in {1..40}; do head -c 200000 /dev/zero > still-$i; done');
    const writer = spawn(
      process.execPath,
      [
        '-e',
        `const fs = require('fs'); for (let n = 0; ; n++) { fs.writeFileSync('busy', String(n).repeat(20000)); fs.appendFileSync('growing', 'line\\n'.repeat(100)); if (n === 3) process.stdout.write('going') }`,
      ],
      { cwd: workspaceOf(sandbox), stdio: ['ignore', 'pipe', 'ignore'] },
    );
    await new Promise((resolve) => writer.stdout.once('data', resolve));
    try {
      // Whether `tar` meets a file in a bad moment each time is up to chance: then it says so.
      const store = memoryStore();
      const [taken] = await Promise.allSettled([sandbox.snapshot(store)]);
      const refused = taken.status === 'rejected' && SandboxError.is(taken.reason);
      const changing = taken.status === 'fulfilled' ? taken.value.changing : [];
      expect(refused || taken.status === 'fulfilled').toBe(true);
      expect(changing.filter((name) => name.startsWith('still-'))).toEqual([]);
      expect((await verifyStore(store)).problems).toEqual([]);
    } finally {
      writer.kill('SIGKILL');
      await new Promise((resolve) => writer.once('exit', resolve));
    }
    const quiet = await sandbox.snapshot(memoryStore());
    expect(quiet.changing).toEqual([]);
  });

  test('a guest whose tools lie about times hides a change from a listing, and not from bytes', async () => {
    const tool = mkdtempSync(path.join(tmpdir(), 'gantry-liar-'));
    using liar = directoryProvider('GNU', { toolDirectory: tool });
    await using sandbox = await openWorkspace(await liar.create());
    inWorkspace(sandbox, 'printf one > file; printf x > other');
    const store = memoryStore();
    await untilSettled();
    const honest = await sandbox.snapshot(store);
    const recorded = inWorkspace(
      sandbox,
      String.raw`find . -mindepth 1 -printf '%y %m %s %n %D:%i %T@ %C@ %p\0' | base64 -w0`,
    );
    const script = `#!/bin/sh\ncase "$*" in *mindepth*) echo ${recorded} | base64 -d;; *) exec /usr/bin/find "$@";; esac\n`;
    writeFileSync(path.join(tool, 'find'), script);
    chmodSync(path.join(tool, 'find'), 0o755);
    inWorkspace(sandbox, 'printf two > file');
    const deceived = await sandbox.snapshot(store, { parent: honest });
    expect(deceived).toMatchObject({ evidence: 'guest-metadata', tree: honest.tree });
    const thorough = await sandbox.snapshot(store, { parent: honest, evidence: 'bytes' });
    expect(thorough.evidence).toBe('bytes');
    expect(thorough.tree).not.toBe(honest.tree);
    rmSync(tool, { recursive: true });
  });

  test('an encrypted store shows nothing of names and contents, and needs its key', async () => {
    await using sandbox = await openWorkspace(await provider.create());
    inWorkspace(
      sandbox,
      'mkdir patients; for i in {1..99}; do echo "name of patient $i" > patients/record-$i; done',
    );
    const inner = memoryStore();
    const key = randomBytes(32);
    const store = encryptedStore(inner, { key });
    const snapshot = await sandbox.snapshot(store);
    for await (const { key: name } of inner.list('')) {
      const bytes = Buffer.from(await new Response(await inner.get(name)).bytes());
      for (const plain of ['patient', 'record-', snapshot.tree, 'gantry-snapshot']) {
        expect(bytes.includes(plain), `${plain} in ${name}`).toBe(false);
      }
    }
    await using again = await provider.rehydrate(snapshot.id, store, { verify: true });
    expect(await again.files.readText('patients/record-7')).toBe('name of patient 7\n');
    const refused = failsWith('failed-precondition', { reason: 'encryption' });
    const other = encryptedStore(inner, { key: randomBytes(32) });
    await expect(provider.rehydrate(snapshot, other)).rejects.toEqual(refused);
    const without = { ...inner };
    await expect(provider.rehydrate(snapshot, without)).rejects.toEqual(refused);
    await expect(sandbox.snapshot(other)).rejects.toEqual(refused);
    const plainStore = memoryStore();
    await sandbox.snapshot(plainStore);
    await expect(sandbox.snapshot(encryptedStore(plainStore, { key }))).rejects.toEqual(refused);
  });

  test('one megabyte changed in a large file stores about one', async () => {
    await using sandbox = await openWorkspace(await provider.create());
    inWorkspace(sandbox, 'head -c 20000000 /dev/urandom > large');
    const store = memoryStore();
    const first = await sandbox.snapshot(store);
    expect(first.work.bytesStored).toBeGreaterThan(20_000_000);
    inWorkspace(
      sandbox,
      'head -c 1000000 /dev/urandom | dd of=large bs=1000000 seek=7 conv=notrunc 2>&1',
    );
    const second = await sandbox.snapshot(store, { parent: first, evidence: 'bytes' });
    expect(second.work.bytesRead).toBe(20_000_000);
    expect(second.work.bytesStored).toBeLessThan(1_500_000);
    await using again = await provider.rehydrate(second, store, { verify: true });
    expect(again.origin.verified).toBe(true);
  });
});

/** A driver whose commands for `tar` send what a hostile guest made up. */
function sending(tar: Uint8Array): (driver: SandboxDriver) => SandboxDriver {
  return (driver) => ({
    ...driver,
    async spawn(handle: DriverHandle, command, call) {
      const started = await driver.spawn(handle, command, call);
      if (!command.argv.some((text) => text.includes('tar -cf'))) return started;
      const done = started.stdout.pipeTo(new WritableStream());
      const exit = done.then(() => ({ code: 0 }));
      return { ...started, exit, stdout: new Blob([tar.slice()]).stream() };
    },
  });
}

describe('a guest that sends what it likes', () => {
  const hostile: readonly (readonly [string, readonly MadeEntry[], string])[] = [
    ['a name that climbs', [{ path: './../../etc/passwd', contents: 'x' }], 'failed-precondition'],
    ['an absolute name', [{ path: '/etc/passwd', contents: 'x' }], 'failed-precondition'],
    [
      'a link that climbs',
      [{ path: './a', type: 'hardlink', target: './../x' }],
      'failed-precondition',
    ],
  ];
  test.each(hostile)('%s is refused', async (_, entries, code) => {
    using provider = directoryProvider('GNU');
    const evil = provider.wrap(sending(tarBytes(...entries)));
    await using sandbox = await openWorkspace(await evil.create());
    inWorkspace(sandbox, 'printf x > a');
    const store = memoryStore();
    await expect(sandbox.snapshot(store)).rejects.toEqual(failsWith(code));
    expect(await Array.fromAsync(store.list('snapshots/'))).toEqual([]);
  });

  test('entries that no listing knows are left out, and a missing one is an error', async () => {
    using provider = directoryProvider('GNU');
    const more = tarBytes({ path: './a', contents: 'x' }, { path: './invented', contents: 'y' });
    await using sandbox = await openWorkspace(await provider.wrap(sending(more)).create());
    inWorkspace(sandbox, 'printf x > a');
    expect((await sandbox.snapshot(memoryStore())).contents.files).toBe(1);
    inWorkspace(sandbox, 'printf x > b');
    await expect(sandbox.snapshot(memoryStore())).rejects.toEqual(
      failsWith('permission-denied', { path: 'b' }),
    );
  });

  test('a link that is lost in the middle leaves the store as it was', async () => {
    using provider = directoryProvider('GNU');
    const store = memoryStore();
    const plan = {
      rules: [{ operation: 'spawn', fault: { kind: 'truncate', afterBytes: 700 } }],
    } as const;
    await using sandbox = await openWorkspace(await provider.create());
    inWorkspace(sandbox, 'for i in {1..50}; do head -c 5000 /dev/urandom > f$i; done');
    const weak = provider.wrap(faulty(plan));
    await using broken = await weak.connect(sandbox.ref);
    await expect(broken.snapshot(store)).rejects.toEqual(failsWith('unavailable'));
    expect(await Array.fromAsync(store.list('snapshots/'))).toEqual([]);
  });
});

test('an unreadable file is named, and an abort stops everything', async () => {
  using provider = directoryProvider('GNU', process.getuid?.() === 0 ? { uid: 65_534 } : {});
  await using sandbox = await openWorkspace(await provider.create());
  await sandbox.exec('printf x > closed; chmod 000 closed; printf y > open');
  const store = memoryStore();
  await expect(sandbox.snapshot(store)).rejects.toEqual(failsWith('permission-denied'));
  const aborted: Promise<unknown> = sandbox.snapshot(store, { signal: AbortSignal.abort() });
  await expect(aborted).rejects.toEqual(failsWith('cancelled'));
});

test('a snapshot of a few files takes few calls, however many there are', async () => {
  using provider = directoryProvider('GNU');
  const { wrapper, counts } = counting();
  await using sandbox: Sandbox = await openWorkspace(await provider.wrap(wrapper).create());
  inWorkspace(sandbox, 'for i in {1..2000}; do printf $i > f$i; done');
  const store = memoryStore();
  await untilSettled();
  counts.reset();
  const first = await sandbox.snapshot(store);
  expect(counts.total()).toBe(3);
  counts.reset();
  inWorkspace(sandbox, 'printf changed > f7');
  const next = await sandbox.snapshot(store, { parent: first });
  expect(counts.total()).toBe(3);
  expect(next.work.filesRead).toBe(1);
});
