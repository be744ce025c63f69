import {
  SandboxError,
  type Call,
  type SandboxDriver,
  type SandboxRef,
  type Traits,
} from '@gantry/core/driver';
import Dockerode from 'dockerode';
import { endSandbox, inspectContainer, requireRunning, statusOfContainer } from './containers.ts';
import { containerNetwork } from './container-network.ts';
import { createContainer, type Workshop } from './create-container.ts';
import { daemonAddress } from './daemon-address.ts';
import type { DockerHandle } from './docker-handle.ts';
import type { DockerOptions } from './docker-options.ts';
import { dockerError } from './errors.ts';
import { architectureOf, daemonInfo, examineDaemon, probeDaemon, unreachable } from './findings.ts';
import { fork } from './fork.ts';
import { listSandboxes } from './inventory.ts';
import { Keeper } from './keeper.ts';
import { readMetrics } from './metrics.ts';
import { nativeSnapshot } from './native-snapshot.ts';
import { openHandle } from './open-handle.ts';
import { spawnDirectly } from './direct-exec.ts';
import { openTerminal } from './terminal.ts';

const traits: Traits = {
  isolation: 'container',
  output: 'bytes',
  stdin: 'stream',
  exit: 'shell-encoded',
  kill: 'tree',
  // What a storage driver such as overlay2 cannot limit is not claimed.
  limits: { memory: 'enforced', pids: 'enforced', cpu: 'enforced', disk: 'none' },
};

/** The driver behind `docker()`. */
export function dockerDriver(options: DockerOptions): SandboxDriver<DockerHandle> {
  const workshop = openWorkshop(options);
  const { daemon, address } = workshop;

  async function connect(ref: SandboxRef, call: Call): Promise<DockerHandle> {
    const found = await inspectContainer(daemon, ref, call.signal);
    requireRunning(ref, found);
    const container = daemon.getContainer(found.Id);
    const { Labels: labels } = found.Config;
    return openHandle(ref, { container, labels, networkMode: found.HostConfig.NetworkMode });
  }

  return {
    spec: 'gantry-driver/1',
    id: 'docker',
    // gVisor's own runtime puts another kernel between guest and host.
    traits: options.runtime === 'runsc' ? { ...traits, isolation: 'gvisor' } : traits,
    // A stream takes a lane of its own, which costs as much as twenty commands.
    inlineInputBytes: 4 * 1024 * 1024,
    probe: (call) => probeDaemon(daemon, address, options.runtime, call.signal),
    diagnose: (call) => examineDaemon(daemon, address, call.signal),
    create: (request, call) => createContainer(workshop, request, call),
    connect,
    async inspect(ref, call) {
      const found = await inspectContainer(daemon, ref, call.signal);
      return found ? statusOfContainer(found) : { state: 'gone' };
    },
    spawn: (handle, command, call) =>
      handle.hasShell ? handle.lanes.spawn(command, call) : spawnDirectly(handle, command, call),
    async release(handle) {
      handle.interceptor.close();
      handle.lanes.close();
    },
    async destroy(ref, call) {
      const found = await inspectContainer(daemon, ref, call.signal);
      if (found) await endSandbox(daemon, { Id: found.Id, Labels: found.Config.Labels });
    },
    inventory: { list: (labels, call) => listSandboxes(daemon, labels, call) },
    terminal: { resize: true, open: openTerminal },
    ports: {
      async expose(handle, port, call) {
        const found = await inspectContainer(daemon, handle.ref, call.signal);
        requireRunning(handle.ref, found);
        const hostPort = found.NetworkSettings.Ports[`${port}/tcp`]?.[0]?.HostPort;
        if (hostPort === undefined) {
          const message = `port ${port} was not named when the sandbox was made; put it into the manifest's ports`;
          throw new SandboxError('failed-precondition', message, {
            details: { reason: 'not-published' },
          });
        }
        return { url: `http://127.0.0.1:${hostPort}`, headers: {} };
      },
    },
    suspend: {
      modes: ['memory'],
      async suspend(handle, _mode, call) {
        // Frozen, it cannot end itself.
        const found = await inspectContainer(daemon, handle.ref, call.signal);
        requireRunning(handle.ref, found);
        const { expiresAt } = statusOfContainer(found);
        if (expiresAt !== undefined) await workshop.keeper.keep(found.Id, expiresAt);
        handle.lanes.suspended();
        await handle.container.pause().catch((error: unknown) => {
          throw dockerError(error, `suspending sandbox ${handle.ref.id}`);
        });
      },
      async resume(ref, call) {
        const found = await inspectContainer(daemon, ref, call.signal);
        if (!found) throw new SandboxError('not-found', `there is no sandbox ${ref.id}`);
        const { state, expiresAt = Infinity } = statusOfContainer(found);
        const container = daemon.getContainer(found.Id);
        if (expiresAt <= Date.now()) {
          await endSandbox(daemon, { Id: found.Id, Labels: found.Config.Labels });
          throw new SandboxError(
            'not-found',
            `sandbox ${ref.id} is past its time, and was removed`,
          );
        }
        if (state === 'suspended') {
          await container.unpause().catch((error: unknown) => {
            throw dockerError(error, `resuming sandbox ${ref.id}`);
          });
        }
        return connect(ref, call);
      },
    },
    nativeSnapshot: nativeSnapshot(workshop),
    fork: fork(workshop),
    network: {
      modes: ['none', 'open'],
      live: false,
      async intercept(handle, port, onConnection, call) {
        const found = await inspectContainer(daemon, handle.ref, call.signal);
        requireRunning(handle.ref, found);
        const network = containerNetwork(address, handle.ref, found);
        return handle.interceptor.intercept(network, port, onConnection, call);
      },
    },
    mounts: { kinds: ['hostMount'] },
    users: {},
    resources: { settable: ['cpus', 'memoryBytes', 'pids'] },
    metrics: { read: readMetrics },
    root: { modes: ['read-only', 'copy-on-write'] },
    privilege: { modes: ['none', 'guest-root'] },
    images: {},
  };
}

function openWorkshop(options: DockerOptions): Workshop {
  const address = daemonAddress(options.host);
  const daemon = new Dockerode(address.connection);
  let architecture: Promise<'x64' | 'arm64'> | undefined;
  const ask = async (): Promise<'x64' | 'arm64'> => {
    try {
      return architectureOf(await daemonInfo(daemon, new AbortController().signal));
    } catch (error) {
      architecture = undefined; // The daemon may be there the next time.
      if (SandboxError.is(error)) throw error;
      throw new SandboxError('failed-precondition', unreachable(address, error), { cause: error });
    }
  };
  return {
    ...{ daemon, address, options, prepared: new Map(), keeper: new Keeper(options.host) },
    architecture: () => (architecture ??= ask()),
  };
}
