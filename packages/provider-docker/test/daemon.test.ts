import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Provider } from '@gantry/core/driver';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { docker } from '../src/index.ts';
import { daemonOfRun } from './daemon-of-run.ts';
import { type PrivateDaemon, startDaemon } from './private-daemon.ts';
import { buildImages, testImages } from './test-images.ts';

// What becomes of sandboxes when their daemon gets into trouble. It has a daemon of its own, with a small disk.

let daemon: PrivateDaemon;
let provider: Provider;
beforeAll(async () => {
  daemonOfRun(); // Where that one cannot run, this one cannot either, and it says why.
  daemon = await startDaemon({ diskBytes: 48 * 2 ** 20, tcp: true });
  await buildImages(daemon.client, ['busybox']);
  provider = docker({ host: daemon.host, image: testImages.busybox });
});
afterAll(() => daemon?.[Symbol.asyncDispose]());

test('the first program that uses an image ends when it has nothing more to do', async () => {
  const options = JSON.stringify({ host: daemon.host, image: testImages.busybox });
  const program = `import { docker } from '@gantry/provider-docker';
await using sandbox = await docker(${options}).create();
console.log((await sandbox.exec('echo well')).stdout.text);`;
  const line = ['--input-type=module', '-e', program];
  const limits = { cwd: import.meta.dirname, timeout: 100_000 };
  const { stdout } = await promisify(execFile)(process.execPath, line, limits);
  expect(stdout).toBe('well\n\n');
});

test('a daemon behind tcp serves the same, and shows no path of its machine', async () => {
  const host = daemon.tcpHost ?? '';
  const remote = docker({ host, image: testImages.busybox });
  await using sandbox = await remote.create();
  const echoed = await sandbox.exec('cat; echo err >&2; exit 3', { stdin: 'fed' });
  expect([echoed.stdout.text, echoed.stderr.text, echoed.exit]).toEqual([
    'fed',
    'err\n',
    { code: 3 },
  ]);
  await using terminal = await sandbox.terminal({ command: ['tty'] });
  const chunks = await Array.fromAsync(terminal.output);
  expect(Buffer.concat(chunks).toString()).toMatch(/^\/dev\/pts\/\d+\r\n$/);
  const capabilities = await remote.probe();
  expect([capabilities.mounts, capabilities.ports]).toEqual([undefined, undefined]);
  const entries = { given: { type: 'hostMount', source: import.meta.dirname } } as const;
  const mounted = remote.create({ manifest: { spec: 'gantry-manifest/1', entries } });
  await expect(mounted).rejects.toMatchObject({ code: 'unsupported' });
  const [ports, network] = [[8080], { mode: 'open' } as const];
  const exposed = remote.create({ manifest: { spec: 'gantry-manifest/1', ports, network } });
  await expect(exposed).rejects.toMatchObject({ code: 'unsupported' });
});

test('a full disk is said as such, by files and by create, and leaves nothing half made', async () => {
  await using sandbox = await provider.create();
  await expect(sandbox.files.write('big', new Uint8Array(64 * 2 ** 20))).rejects.toMatchObject({
    code: 'resource-exhausted',
    details: { reason: 'no-space' },
  });
  await sandbox.exec('cat /dev/zero >filler');
  const error: unknown = await provider.create({ manifest: filled }).then(
    (other) => other.destroy(),
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'resource-exhausted', details: { reason: 'no-space' } });
  expect(await Array.fromAsync(provider.list())).toHaveLength(1);
  await sandbox.files.remove('filler');
  expect((await sandbox.exec('echo well')).stdout.text).toBe('well\n');
});

const filled = {
  spec: 'gantry-manifest/1',
  entries: { file: { type: 'file', text: 'x'.repeat(100_000) } },
} as const;

test('a daemon that stops while a command runs ends it as unavailable, never with a status', async () => {
  const sandbox = await provider.create();
  const running = await sandbox.spawn(['sleep', '600']);
  const fed = await sandbox.spawn(['cat'], { stdin: 'stream' });
  const settled = Promise.allSettled([running.exit, fed.exit]);
  await daemon.stop();
  for (const { status, ...rest } of await settled) {
    expect(status).toBe('rejected');
    expect(rest).toMatchObject({ reason: { code: 'unavailable', outcome: 'unknown' } });
  }
  await expect(sandbox.exec(['true'])).rejects.toMatchObject({
    code: 'unavailable',
    outcome: 'not-started',
    message: expect.stringContaining('DOCKER_HOST') as unknown,
  });
  // Nobody can say whether it is gone.
  await expect(provider.inspect(sandbox.ref)).rejects.toMatchObject({ code: 'unavailable' });
  await expect(sandbox.destroy()).rejects.toMatchObject({ code: 'unavailable' });
});
