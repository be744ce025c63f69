import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { daemonOfRun } from './daemon-of-run.ts';
import { startRegistry } from './registry.ts';
import { buildImages, imageTar } from './test-images.ts';

const bin = path.join(import.meta.dirname, '../../cli/bin/gantry.js');
let daemon: ReturnType<typeof daemonOfRun>;
beforeAll(async () => {
  daemon = daemonOfRun();
  await buildImages(daemon.client, ['bare']);
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs gantry on an image whose second half comes once its output has shown the cue. */
async function pulling(
  cue: RegExp,
  start: (words: readonly string[]) => readonly [string, readonly string[]],
): Promise<Ended & { readonly image: string }> {
  const release = Promise.withResolvers<void>();
  // What follows the end of a tar says nothing, and makes it one that the daemon has never seen.
  const layer = Buffer.concat([await readFile(imageTar('bare')), randomBytes(512)]);
  await using registry = await startRegistry(layer, release.promise);
  const image = `${registry.host}/pulled:one`;
  const [program, args] = start([
    ...[process.execPath, bin, 'exec', '--provider', 'docker', '--image', image, '--no-stdin'],
    ...['--', 'printf', 'ran'],
  ]);
  const env = { ...process.env, DOCKER_HOST: daemon.host };
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill());
  const shown = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      shown[name] += chunk.toString();
      if (cue.test(shown[name])) release.resolve();
    });
  }
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve);
    });
    return { code, ...shown, image };
  } finally {
    release.resolve();
    await daemon.client.getImage(image).remove({ force: true });
  }
}

test('elsewhere than on a terminal, a pull that takes long is one line on stderr', async () => {
  const { code, stdout, stderr, image } = await pulling(
    /pulling image/,
    ([program = '', ...rest]) => [program, rest],
  );
  expect(stderr).toBe(`gantry: pulling image ${image}\n`);
  expect([code, stdout]).toEqual([0, 'ran']);
});

test('a terminal sees how much of an image has come, and nothing of it afterwards', async () => {
  const progress = /gantry: pulling image \S+: [\d.]+ [kM]?B of [\d.]+ [kM]B \(\d+s\)/;
  const { code, stdout } = await pulling(progress, (words) => [
    '/usr/bin/script',
    ['-qefc', `stty cols 200; exec ${words.map((word) => `'${word}'`).join(' ')}`, '/dev/null'],
  ]);
  expect(stdout).toMatch(progress);
  expect(stdout.slice(stdout.lastIndexOf('\u001b[2K') + 4)).toBe('ran');
  expect(code).toBe(0);
});
