import type { Sandbox } from '@gantry/core';
import type { Provider } from '@gantry/core/driver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { docker } from '../src/index.ts';
import { daemonOfRun } from './daemon-of-run.ts';
import { buildImages, testImages } from './test-images.ts';

const manifest = { spec: 'gantry-manifest/1' } as const;
let provider: Provider;
let sandbox: Sandbox;
beforeAll(async () => {
  const { host, client } = daemonOfRun();
  await buildImages(client, ['bare']);
  provider = docker({ host, image: testImages.bare });
  sandbox = await provider.create({
    manifest: { ...manifest, env: { GIVEN: 'one\ntwo' } },
    labels: { run: 'bare' },
  });
});
afterAll(() => sandbox?.destroy());

describe('in an image without a shell', () => {
  test('programs run by the API, with arguments, environment, directory, user and input', async () => {
    const odd = ['a b', '$(id)', '', "quo'te", 'new\nline', 'grüße'];
    const printed = await sandbox.exec(['printf', '[%s]', ...odd]);
    expect(printed.stdout.text).toBe(odd.map((word) => `[${word}]`).join(''));
    const { stdout } = await sandbox.exec(['env'], { env: { OWN: 'x=y z' } });
    expect(stdout.text).toContain('GIVEN=one\ntwo\n');
    expect(stdout.text).toContain('OWN=x=y z\n');
    expect((await sandbox.exec(['pwd'])).stdout.text).toBe('/workspace\n');
    await sandbox.exec(['mkdir', 'deep']);
    expect((await sandbox.exec(['pwd'], { cwd: 'deep' })).stdout.text).toBe('/workspace/deep\n');
    expect((await sandbox.exec(['id', '-u'])).stdout.text).toBe('1000\n');
    expect((await sandbox.exec(['id', '-u'], { user: '77' })).stdout.text).toBe('77\n');
    const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, n) => (n * 7 + (n >> 8)) & 255));
    const echoed = await sandbox.exec(['tee', '/dev/stderr'], { stdin: bytes });
    expect(Buffer.from(echoed.stdout.bytes).equals(bytes)).toBe(true);
    expect(Buffer.from(echoed.stderr.bytes).equals(bytes)).toBe(true);
    expect((await sandbox.exec(['cat'])).stdout.totalBytes).toBe(0);
  });

  test('how a command ended is known, and whether it began', async () => {
    expect((await sandbox.exec(['false'])).exit).toEqual({ code: 1 });
    expect(await sandbox.exec(['no-such-program'])).toMatchObject({
      exit: { code: 127 },
      stdout: { text: '' },
    });
    expect((await sandbox.exec(['/bin'])).exit).toEqual({ code: 126 });
    await expect(sandbox.exec(['pwd'], { cwd: 'nowhere' })).rejects.toMatchObject({
      code: 'failed-precondition',
      details: { reason: 'cwd' },
    });
    // A program that says what the daemon would say has said it all the same.
    const words = 'OCI runtime exec failed: exec failed: x: exec: "y": no such file';
    expect((await sandbox.exec(['printf', '%s', words])).stdout.text).toBe(words);
  });

  test('a shell line, files and terminals say what is missing, before anything happens', async () => {
    const missing = {
      code: 'failed-precondition',
      outcome: 'not-started',
      details: { reason: 'no-shell' },
      message: expect.stringContaining('has no /bin/sh') as unknown,
    };
    await expect(sandbox.exec('true')).rejects.toMatchObject(missing);
    await expect(sandbox.exec(['/bin/sh', '-c', 'true'])).rejects.toMatchObject(missing);
    await expect(sandbox.files.write('file', 'x')).rejects.toMatchObject(missing);
    await expect(sandbox.files.list('.')).rejects.toMatchObject(missing);
    expect(sandbox.capabilities.terminal).toBeUndefined();
    await expect(sandbox.terminal()).rejects.toMatchObject({ code: 'unsupported' });
    const entries = { file: { type: 'file', text: 'x' } } as const;
    const labels = { run: 'bare-filled' };
    const filled = provider.create({ manifest: { ...manifest, entries }, labels });
    await expect(filled).rejects.toMatchObject(missing);
    expect(await Array.fromAsync(provider.list({ labels }))).toEqual([]);
  });

  test('a command that runs too long is said to run on, and ends with the sandbox', async () => {
    await using short = await provider.create();
    await expect(short.exec(['sleep', '600'], { timeoutMs: 1_000 })).rejects.toMatchObject({
      code: 'deadline-exceeded',
      details: { orphan: { reason: expect.stringContaining('no shell that could') as unknown } },
    });
    const running = await short.spawn(['sleep', '600']);
    await expect(running.kill()).rejects.toMatchObject({
      code: 'unsupported',
      details: { capability: 'kill' },
    });
    await short.destroy();
    // The daemon may have forgotten the command with its container, or not know how it ended.
    const end: unknown = await running.exit.catch((error: unknown) => error);
    expect(end).not.toHaveProperty('code', 0);
    expect(JSON.stringify(end)).toMatch(/unknown/);
  });

  test('another process connects, the inventory knows it, and it ends by itself', async () => {
    const other = docker({ host: daemonOfRun().host });
    const again = await other.connect(sandbox.ref);
    expect((await again.exec(['env'])).stdout.text).toContain('GIVEN=one\ntwo\n');
    await expect(again.exec('true')).rejects.toMatchObject({ details: { reason: 'no-shell' } });
    await again.release();
    const list = await Array.fromAsync(other.list({ labels: { run: 'bare' } }));
    expect(list).toMatchObject([{ ref: sandbox.ref, state: 'running' }]);
    const brief = await provider.create({ maxLifetimeMs: 2_000 });
    await expect
      .poll(() => provider.inspect(brief.ref), { timeout: 60_000 })
      .toEqual({ state: 'gone' });
  });

  test('ports, suspension, snapshots and forks work as elsewhere', async () => {
    const network = { mode: 'open' } as const;
    await using source = await provider.create({
      manifest: { ...manifest, ports: [8080], network },
    });
    await source.exec(['mkdir', 'made']);
    await source.exec(['tee', 'index.html'], { stdin: 'hello\n' });
    await source.spawn(['httpd', '-f', '-p', '8080', '-h', '/workspace']);
    const { url } = await source.expose(8080);
    const fetched = async (): Promise<string | undefined> =>
      (await fetch(url).catch(() => undefined))?.text();
    await expect.poll(fetched, { timeout: 30_000 }).toBe('hello\n');
    await source.suspend();
    await using resumed = await provider.resume(source.ref);
    expect((await resumed.exec(['pwd'], { cwd: 'made' })).stdout.text).toBe('/workspace/made\n');
    const snapshot = await source.nativeSnapshot('filesystem');
    const copy = await provider.createFrom(snapshot);
    expect((await copy.exec(['pwd'], { cwd: 'made' })).stdout.text).toBe('/workspace/made\n');
    const second = await copy.nativeSnapshot('filesystem');
    await copy.destroy();
    await provider.removeNativeSnapshot(snapshot);
    await using grandchild = await provider.createFrom(second);
    expect((await grandchild.exec(['pwd'], { cwd: 'made' })).ok).toBe(true);
    await provider.removeNativeSnapshot(second);
    const [fork] = await source.fork(1);
    expect(fork).toMatchObject({ status: 'fulfilled' });
    if (fork?.status === 'fulfilled') await fork.value.destroy();
  });
});
