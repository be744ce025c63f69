import { execFile } from 'node:child_process';
import path from 'node:path';
import { type Provider, SandboxError, type SandboxRef } from '@gantry/core/driver';
import { beforeAll, describe, expect, test } from 'vitest';
import { docker } from '../src/index.ts';
import { daemonOfRun } from './daemon-of-run.ts';
import { testImages } from './test-images.ts';

const manifest = { spec: 'gantry-manifest/1' } as const;
let daemon: ReturnType<typeof daemonOfRun>;
let provider: Provider;
beforeAll(() => {
  daemon = daemonOfRun();
  provider = docker({ host: daemon.host, image: testImages.busybox });
});

describe('life', () => {
  test('another process connects, sees the same, and the inventory knows it', async () => {
    await using sandbox = await provider.create({
      labels: { run: 'life', 'odd key': 'ü' },
      maxLifetimeMs: 600_000,
    });
    await sandbox.files.write('left', 'here');
    const other = docker({ host: daemon.host });
    const again = await other.connect(
      JSON.parse(JSON.stringify(sandbox.ref)) as typeof sandbox.ref,
    );
    expect(await again.files.readText('left')).toBe('here');
    await again.release();
    const list = await Array.fromAsync(other.list({ labels: { run: 'life' } }));
    expect(list).toMatchObject([
      { ref: sandbox.ref, labels: { run: 'life', 'odd key': 'ü' }, state: 'running' },
    ]);
    expect(list[0]?.expiresAt).toBeGreaterThan(Date.now() + 500_000);
    expect(await Array.fromAsync(other.list({ labels: { run: 'other' } }))).toEqual([]);
    await other.destroy(sandbox.ref);
    await other.destroy(sandbox.ref);
    expect(await other.inspect(sandbox.ref)).toEqual({ state: 'gone' });
    await expect(other.connect(sandbox.ref)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('a sandbox ends by itself', async () => {
    const sandbox = await provider.create({ maxLifetimeMs: 2_000 });
    await expect
      .poll(() => provider.inspect(sandbox.ref), { timeout: 60_000 })
      .toEqual({ state: 'gone' });
    await expect(sandbox.exec(['true'])).rejects.toMatchObject({ provider: 'docker' });
    await sandbox.destroy();
  });

  test('suspended it stands still, resumed it goes on', async () => {
    await using sandbox = await provider.create();
    await using running = await sandbox.spawn('while :; do date +%s%N >> ticks; sleep 0.05; done');
    await sandbox.suspend();
    expect(await provider.inspect(sandbox.ref)).toMatchObject({ state: 'suspended' });
    await expect(provider.connect(sandbox.ref)).rejects.toMatchObject({
      code: 'failed-precondition',
    });
    const resumed = await provider.resume(sandbox.ref);
    expect((await resumed.files.readText('ticks')).length).toBeGreaterThan(0);
    await resumed.release();
    await running.kill('SIGKILL');
  });

  test.concurrent('suspended it still ends in time, though whoever suspended it is gone', async () => {
    const program = path.join(import.meta.dirname, 'suspend-and-leave.ts');
    const said = await new Promise<string>((resolve, reject) => {
      const parameters = [program, daemon.host, testImages.busybox, '15000'];
      execFile(process.execPath, parameters, (error, stdout, stderr) =>
        error?.signal === 'SIGKILL' ? resolve(stdout) : reject(new Error(stderr)),
      );
    });
    const ref = JSON.parse(said) as SandboxRef;
    await expect.poll(() => provider.inspect(ref), { timeout: 60_000 }).toEqual({ state: 'gone' });
    await expect(provider.resume(ref)).rejects.toMatchObject({ code: 'not-found' });
  }, 120_000);

  test.concurrent('a guest that may signal everything in its sandbox cannot prolong its time', async () => {
    const privileged = { ...manifest, privilege: 'guest-root' } as const;
    await using sandbox = await provider.create({ manifest: privileged, maxLifetimeMs: 15_000 });
    const stopped = await sandbox.exec(
      'for f in /proc/[0-9]*; do [ "$(cat $f/comm)" = sleep ] && kill -STOP ${f#/proc/} && echo stopped; done',
    );
    expect(stopped.stdout.text).toBe('stopped\n');
    await expect
      .poll(() => provider.inspect(sandbox.ref), { timeout: 60_000 })
      .toEqual({ state: 'gone' });
  }, 120_000);

  test.each([
    ['read-only', 1000],
    ['copy-on-write', 0],
  ] as const)(
    'snapshot and fork of a %s root',
    async (root, uid) => {
      await using source = await provider.create({
        manifest: { ...manifest, root, env: { KEPT: 'yes' } },
      });
      await source.exec('echo first > file; ln -s file link; mkdir d; chmod 750 d');
      const snapshot = await source.nativeSnapshot('filesystem');
      await source.exec('echo second > file');
      {
        await using copy = await provider.createFrom(snapshot, { manifest: { ...manifest, root } });
        const listing = await copy.exec('cat link; stat -c %a-%u d; id -u');
        expect(listing.stdout.text).toBe(`first\n750-${uid}\n${uid}\n`);
      }
      const forks = await source.fork(2);
      const [one, two] = forks.map((result) =>
        result.status === 'fulfilled' ? result.value : undefined,
      );
      await one?.exec('echo third > file');
      expect((await two?.exec('cat file; echo $KEPT'))?.stdout.text).toBe('second\nyes\n');
      expect((await source.exec('cat file')).stdout.text).toBe('second\n');
      await Promise.all([one?.destroy(), two?.destroy()]);
      await provider.removeNativeSnapshot(snapshot);
      await provider.removeNativeSnapshot(snapshot);
      await expect(provider.createFrom(snapshot)).rejects.toMatchObject({ code: 'not-found' });
      const filters = { label: ['dev.gantry.kind=fork'] };
      expect(await daemon.client.listImages({ all: true, filters })).toEqual([]);
    },
    60_000,
  );

  test('an aborted create leaves nothing', async () => {
    const labels = { run: 'aborted' };
    for (const wait of [1, 20, 60, 150]) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), wait);
      const outcome = await provider
        .create({ labels, signal: controller.signal })
        .then((sandbox) => sandbox.destroy())
        .catch((error: unknown) => (SandboxError.is(error) ? error.code : error));
      expect([undefined, 'cancelled']).toContain(outcome); // On a quick machine it was there before the abort.
    }
    expect(await Array.fromAsync(provider.list({ labels }))).toEqual([]);
  });
});
