import { chmod, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Provider } from '@gantry/core/driver';
import { beforeAll, describe, expect, test } from 'vitest';
import { docker, type PullProgress } from '../src/index.ts';
import { daemonOfRun } from './daemon-of-run.ts';
import { startRegistry } from './registry.ts';
import { imageTar, testImages } from './test-images.ts';

const manifest = { spec: 'gantry-manifest/1' } as const;
let daemon: ReturnType<typeof daemonOfRun>;
let provider: Provider;
beforeAll(() => {
  daemon = daemonOfRun();
  provider = docker({ host: daemon.host, image: testImages.busybox });
});

describe('requests', () => {
  test('resources hold, and are told', async () => {
    const resources = { memoryBytes: 64 * 2 ** 20, pids: 40, cpus: 0.5 };
    await using sandbox = await provider.create({ manifest: { ...manifest, resources } });
    for (const line of [
      'exec tail -c 150000000 /dev/zero',
      `sh -c 'tail -c 150000000 /dev/zero'`,
    ]) {
      await expect(sandbox.exec(line)).rejects.toMatchObject({
        code: 'resource-exhausted',
        details: { reason: 'oom' },
      });
    }
    // A part of a command is its own affair, and so is a death by any other hand.
    const bomb = await sandbox.exec('tail -c 150000000 /dev/zero | wc -c; echo and on');
    expect(bomb.stdout.text).toMatch(/^0\nand on\n$/);
    expect((await sandbox.exec('kill -9 $$')).exit).toEqual({ signal: 'SIGKILL' });
    expect((await sandbox.exec(['echo', 'well'])).stdout.text).toBe('well\n');
    const metrics = await sandbox.metrics();
    expect(metrics.memoryBytes).toBeLessThan(64 * 2 ** 20);
    expect(metrics.pids).toBeGreaterThan(1);
    expect(metrics.cpuSeconds).toBeGreaterThan(0);
  });

  test('users by name and number, and root in the guest', async () => {
    await using sandbox = await provider.create({ manifest: { ...manifest, user: 'worker' } });
    expect((await sandbox.exec('id -u; id -g; touch mine && echo ok')).stdout.text).toBe(
      '1234\n1235\nok\n',
    );
    expect((await sandbox.exec('id -u; id -g', { user: '77' })).stdout.text).toBe('77\n77\n');
    await expect(
      provider.create({ manifest: { ...manifest, user: 'nobody-here' } }),
    ).rejects.toMatchObject({
      code: 'invalid-argument',
    });
    await using root = await provider.create({
      manifest: { ...manifest, privilege: 'guest-root', root: 'copy-on-write' },
    });
    const result = await root.exec(
      'id -u; touch /new && chown 5:5 /new && stat -c %u /new; mount -t tmpfs x /mnt',
    );
    expect(result.stdout.text).toBe('0\n5\n');
    expect(result.ok).toBe(false);
  });

  test('ports appear on the loopback of the host, and need a network', async () => {
    const ports = [8080];
    const network = { mode: 'open' } as const;
    await using sandbox = await provider.create({ manifest: { ...manifest, ports, network } });
    await using server = await sandbox.spawn(
      'mkdir -p www; echo hello > www/index.html; exec httpd -f -p 8080 -h www',
    );
    const { url } = await sandbox.expose(8080);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await expect
      .poll(async () => (await fetch(url).catch(() => undefined))?.text())
      .toBe('hello\n');
    await expect(sandbox.expose(9090)).rejects.toMatchObject({ code: 'failed-precondition' });
    await expect(provider.create({ manifest: { ...manifest, ports } })).rejects.toMatchObject({
      code: 'unsupported',
    });
    await server.kill('SIGKILL');
  });

  test('paths of the host are seen as the manifest says', async () => {
    const directory = await mkdtemp(path.join(await realpath(tmpdir()), 'gantry-mount-'));
    try {
      await chmod(directory, 0o755);
      await writeFile(path.join(directory, 'given'), 'from the host');
      const entries = { 'in/put': { type: 'hostMount', source: directory } } as const;
      await using sandbox = await provider.create({ manifest: { ...manifest, entries } });
      expect(await sandbox.files.readText('in/put/given')).toBe('from the host');
      expect((await sandbox.exec('echo x > in/put/given')).ok).toBe(false);
      expect(
        (await sandbox.exec('touch in/beside; stat -c %u in; head -5 /proc/self/status')).stdout
          .text,
      ).toMatch(/^1000\n/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test('an image that is not there, and one that cannot be a sandbox', async () => {
    const error: unknown = await provider
      .create({ manifest: { ...manifest, image: 'gantry-test/no-such-image' } })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      provider: 'docker',
      operation: 'create',
      details: { image: 'gantry-test/no-such-image' },
    });
    expect(String(error)).toContain('pull or build it with docker first');
  });

  test('an image is pulled, and its progress told; one that may not be pulled says why', async () => {
    await using registry = await startRegistry(await readFile(imageTar('busybox')));
    const told: PullProgress[] = [];
    const pulling = docker({ host: daemon.host, onPull: (progress) => told.push(progress) });
    const image = `${registry.host}/pulled:one`;
    try {
      await using sandbox = await pulling.create({ manifest: { ...manifest, image } });
      expect((await sandbox.exec('echo pulled')).stdout.text).toBe('pulled\n');
    } finally {
      await daemon.client.getImage(image).remove({ force: true });
    }
    expect(told.every((progress) => progress.image === image)).toBe(true);
    expect(told).toContainEqual({
      ...{ image, status: 'Pull complete' },
      layer: expect.stringMatching(/^[0-9a-f]{12}$/) as unknown,
    });
    const refused = async (name: string): Promise<unknown> =>
      pulling
        .create({ manifest: { ...manifest, image: `${registry.host}/${name}` } })
        .catch((error: unknown) => error);
    expect(await refused('pulled:two')).toMatchObject({ code: 'not-found' });
    expect(await refused('closed:one')).toMatchObject({ code: 'unauthenticated' });
    expect(await refused('Wrong:Name')).toMatchObject({ code: 'invalid-argument' });
  });

  test('without a daemon one sentence says what to do', async () => {
    const nowhere = docker({ host: 'unix:///nowhere/docker.sock' });
    await expect(nowhere.probe()).rejects.toMatchObject({ code: 'failed-precondition' });
    const findings = await nowhere.diagnose();
    expect(findings).toMatchObject([{ control: 'docker daemon', ok: false }]);
    expect(findings[0]?.message).toContain('set DOCKER_HOST');
    await expect(nowhere.create()).rejects.toMatchObject({
      code: 'unavailable',
      outcome: 'not-started',
    });
    expect((await provider.probe()).traits.limits).toMatchObject({
      memory: 'enforced',
      pids: 'enforced',
    });
  });
});
