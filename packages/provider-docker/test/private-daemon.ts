import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Dockerode from 'dockerode';
import { removeContainer } from '../src/containers.ts';
import { ownLabels } from '../src/labels.ts';

/** A daemon of the tests' own. */
export interface PrivateDaemon extends AsyncDisposable {
  readonly host: string;
  readonly client: Dockerode;
  /** Where it listens on the loopback too, as a daemon elsewhere would; only with `tcp`. */
  readonly tcpHost?: string;
  /** Ends the daemon and, with it, its containers. Its data stay until it is disposed. */
  stop(): Promise<void>;
}

/** Debian package by the program that a daemon needs. */
const programs = { dockerd: 'docker.io', runc: 'runc', iptables: 'iptables' };

/**
 * Starts a daemon with a socket and data of its own, in a temporary directory and a session of its own. With `diskBytes`
 * its data are on a disk of that size, and its sandboxes reach nothing. Throws what is missing, and what to do.
 */
export async function startDaemon(
  options: { diskBytes?: number; tcp?: boolean } = {},
): Promise<PrivateDaemon> {
  requirePrograms();
  // Not below a long TMPDIR: the path of a socket has 107 bytes.
  const directory = await mkdtemp('/tmp/gantry-dockerd-');
  const data = path.join(directory, 'data');
  await mkdir(data);
  await mkdir(path.join(directory, 'exec'));
  const { diskBytes } = options;
  if (diskBytes !== undefined)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', data]);
  const socketPath = path.join(directory, 'docker.sock');
  const tcpHost = options.tcp ? `tcp://127.0.0.1:${await freePort()}` : undefined;
  const args = [
    ...(tcpHost === undefined ? [] : ['-H', tcpHost, '--tls=false']),
    // Small networks: the bridges of daemons that were killed stay, and the daemon's own pools hold thirty.
    ...['--bip=172.17.0.1/16', '--default-address-pool=base=10.213.0.0/16,size=24'],
    // Without a bridge, the daemon would take away that of every other one on this machine.
    ...(diskBytes === undefined ? [] : ['--iptables=false']),
    ...['-H', `unix://${socketPath}`, '--pidfile', path.join(directory, 'pid')],
    ...['--data-root', data, '--exec-root', path.join(directory, 'exec')],
  ];
  const log = openSync(path.join(directory, 'log'), 'a');
  // It ends with this process, even where that is killed.
  const command = ['--pdeathsig', 'TERM', 'dockerd', ...args];
  const child = spawn('setpriv', command, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const client = new Dockerode({ socketPath });
  const stop = async (): Promise<void> => {
    await removeNetworks(client);
    child.kill('SIGTERM');
    const ended = exited.then(() => true);
    const gone = await Promise.race([ended, delay(60_000, false, { ref: false })]);
    if (!gone) child.kill('SIGKILL');
  };
  const dispose = async (): Promise<void> => {
    await stop();
    // Its disk, where it has one, and what it left: the network namespace of the host, say.
    for (const place of await mountsBelow(directory)) execFileSync('umount', ['-l', place]);
    await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  };
  try {
    await answered(client, child, path.join(directory, 'log'));
  } catch (error) {
    await dispose();
    throw error;
  }
  const hosts = { host: `unix://${socketPath}`, ...(tcpHost === undefined ? {} : { tcpHost }) };
  return { ...hosts, client, stop, [Symbol.asyncDispose]: dispose };
}

/** Removes the bridges of sandboxes from the machine, which would outlive the daemon. */
async function removeNetworks(client: Dockerode): Promise<void> {
  const filters = { label: [`${ownLabels.kind}=network`] };
  // A daemon that never came up, or is stopped already, has none to remove.
  const networks = await client.listNetworks({ filters }).catch(() => []);
  for (const { Id } of networks) {
    const containers = await client.listContainers({ filters: { network: [Id] } });
    for (const container of containers) await removeContainer(client.getContainer(container.Id));
    await client.getNetwork(Id).remove();
  }
}

async function mountsBelow(directory: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n');
  const places = lines.map((line) => line.split(' ')[1] ?? '');
  return places.filter((place) => place.startsWith(`${directory}/`)).toReversed();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('a server has no port');
  return address.port;
}

function requirePrograms(): void {
  const missing = Object.entries(programs).filter(
    ([program]) => spawnSync(program, ['--version']).status !== 0,
  );
  const otherwise = 'or name a daemon that runs: GANTRY_TEST_DOCKER=unix:///var/run/docker.sock';
  if (missing.length > 0) {
    const names = missing.map(([, from]) => from).join(' ');
    throw new Error(
      `the docker tests need a Docker daemon: apt-get install ${names}, ${otherwise}`,
    );
  }
  if (process.getuid?.() !== 0)
    throw new Error(
      `the docker tests start a daemon of their own, which takes root: run them as root, ${otherwise}`,
    );
}

async function answered(client: Dockerode, child: ChildProcess, log: string): Promise<void> {
  for (let attempt = 0; attempt < 600 && child.exitCode === null; attempt++) {
    const up = await client.ping().then(
      () => true,
      () => false, // Not yet.
    );
    if (up) return;
    await delay(100);
  }
  const said = await readFile(log, 'utf8');
  const state = child.exitCode === null ? 'does not answer' : `ended with code ${child.exitCode}`;
  throw new Error(`dockerd ${state}; its last words: ${said.slice(-2_000)}`);
}
