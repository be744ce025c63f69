import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Dockerode from 'dockerode';
import { buildImages } from './test-images.ts';

/** A daemon for tests, and a way to end what was started for them. */
export interface TestDaemon extends AsyncDisposable {
  readonly host: string;
  readonly client: Dockerode;
}

/**
 * The daemon that `GANTRY_TEST_DOCKER` names (`unix:///path`), else a private one: own socket, own data, in a temporary
 * directory and a session of its own. Both have the test images afterwards.
 */
export async function testDaemon(): Promise<TestDaemon> {
  const given = process.env['GANTRY_TEST_DOCKER'];
  if (given === undefined) return startPrivateDaemon();
  const client = new Dockerode({ socketPath: given.replace('unix://', '') });
  await buildImages(client);
  return { host: given, client, [Symbol.asyncDispose]: () => Promise.resolve() };
}

async function startPrivateDaemon(): Promise<TestDaemon> {
  for (const [program, from] of Object.entries({
    dockerd: 'docker.io',
    runc: 'runc',
    iptables: 'iptables',
  })) {
    if (spawnSync(program, ['--version']).status !== 0) {
      throw new Error(
        `these tests need ${program}: apt-get install ${from}, or set GANTRY_TEST_DOCKER`,
      );
    }
  }
  // Not below a long TMPDIR: the path of a socket has 107 bytes.
  const directory = await mkdtemp('/tmp/gantry-dockerd-');
  const socketPath = path.join(directory, 'docker.sock');
  await mkdir(path.join(directory, 'exec'));
  const log = path.join(directory, 'log');
  const args = [
    ...['--bip=172.17.0.1/16', '-H', `unix://${socketPath}`],
    ...['--data-root', path.join(directory, 'data'), '--exec-root', path.join(directory, 'exec')],
    ...['--pidfile', path.join(directory, 'pid')],
  ];
  const child = spawn('dockerd', args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = createWriteStream(log);
  child.stdout.pipe(output);
  child.stderr.pipe(output);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const gone = await Promise.race([
      exited.then(() => true),
      delay(20_000, false, { ref: false }),
    ]);
    if (!gone) child.kill('SIGKILL');
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  const client = new Dockerode({ socketPath });
  try {
    await answered(client, child, log);
    await buildImages(client);
  } catch (error) {
    await stop();
    throw error;
  }
  return { host: `unix://${socketPath}`, client, [Symbol.asyncDispose]: stop };
}

async function answered(
  client: Dockerode,
  child: { readonly exitCode: number | null },
  log: string,
): Promise<void> {
  for (let attempt = 0; attempt < 300 && child.exitCode === null; attempt++) {
    const up = await client.ping().then(
      () => true,
      () => false, // Not yet.
    );
    if (up) return;
    await delay(100);
  }
  const said = await readFile(log, 'utf8');
  throw new Error(`dockerd does not answer; its last words: ${said.slice(-2_000)}`);
}
