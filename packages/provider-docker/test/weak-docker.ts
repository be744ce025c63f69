import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { defineProvider, type Provider } from '@gantry/core/driver';
import Dockerode, { type HostConfig } from 'dockerode';
import { containerSpec } from '../src/container-spec.ts';
import { removeContainer } from '../src/containers.ts';
import { dockerDriver } from '../src/driver.ts';
import { ensureOpenNetwork, openNetwork } from '../src/open-network.ts';
import { openHandle } from '../src/open-handle.ts';

/** Which daemon, which image, and what is wrong with the containers. */
export interface WeakDockerOptions {
  readonly host: string;
  readonly image: string;
  /**
   * `privileged`: `docker run --privileged` with the daemon's socket in it. `host-parts`: the file system, the network and
   * the IPC objects of the host, and the socket under a name of its own.
   */
  readonly weakness: 'privileged' | 'host-parts';
}

/**
 * A subject that claims a container's isolation and has little: this package's driver, with containers as people make
 * them who need just a bit more. The isolation checks must fail on it.
 */
export default function weakDocker({ host, image, weakness }: WeakDockerOptions): Provider {
  const socketPath = host.replace('unix://', '');
  const client = new Dockerode({ socketPath });
  const { fork: _fork, nativeSnapshot: _snapshot, ...driver } = dockerDriver({ host });
  const variants = weakness === 'privileged' ? privileged(socketPath) : [hostParts(socketPath)];
  /** Which of the variants this machine can make. */
  let variant: Promise<number> | undefined;
  return defineProvider({
    ...driver,
    async create(request) {
      const parts = {
        image,
        base: image,
        owner: '0:0',
        architecture: 'x64',
        hasShell: true,
      } as const;
      await ensureOpenNetwork(client, AbortSignal.timeout(60_000));
      const { Hostname, ...sound } = containerSpec(request, parts);
      const make = async (weak: HostConfig | undefined): Promise<Dockerode.Container> => {
        const container = await client.createContainer({
          ...{ ...sound, ...(weak?.NetworkMode === 'host' ? {} : { Hostname }) },
          ...{ User: '0:0', Volumes: { '/workspace': {} } },
          HostConfig: { Init: true, AutoRemove: true, ...weak },
        });
        await container.start();
        return container;
      };
      variant ??= make(variants[0]).then(
        async (container) => removeContainer(container).then(() => 0),
        async (error: unknown) => {
          // A machine that is itself short of a capability cannot give a container all of them.
          if (variants.length === 1 || !String(error).includes('unable to apply caps')) throw error;
          await removeContainer(client.getContainer(sound.name ?? ''));
          return 1;
        },
      );
      const container = await make(variants[await variant]);
      const ref = { spec: 'gantry-ref/1', provider: 'docker', id: request.id } as const;
      return openHandle(ref, { container, labels: sound.Labels ?? {}, networkMode: undefined });
    },
  });
}

/** `--privileged`, and the same taken apart, with the capabilities that are dangerous. */
function privileged(socketPath: string): HostConfig[] {
  const socket = `${socketPath}:/var/run/docker.sock`;
  const devices = readdirSync('/dev').filter((name) => {
    const found = lstatSync(path.join('/dev', name));
    return found.isBlockDevice() || found.isCharacterDevice();
  });
  const apart: HostConfig = {
    CapAdd: [
      ...['DAC_READ_SEARCH', 'LINUX_IMMUTABLE', 'NET_ADMIN', 'NET_RAW', 'SYS_MODULE', 'SYS_RAWIO'],
      ...['SYS_PTRACE', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_TIME', 'MKNOD', 'MAC_ADMIN', 'SYSLOG'],
    ],
    SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
    MaskedPaths: [],
    ReadonlyPaths: [],
    DeviceCgroupRules: ['a *:* rwm'],
    Devices: devices.map((name) => ({
      ...{ PathOnHost: `/dev/${name}`, PathInContainer: `/dev/${name}` },
      CgroupPermissions: 'rwm',
    })),
    Binds: [socket, '/sys:/sys'],
  };
  // A bridge of its own: that of the daemon is every daemon's on a machine.
  return [{ Privileged: true, Binds: [socket] }, apart].map((weak) => ({
    ...{ ...weak, NetworkMode: openNetwork },
  }));
}

function hostParts(socketPath: string): HostConfig {
  return {
    ...{ NetworkMode: 'host', IpcMode: 'host' },
    Binds: ['/:/mnt/host', `${socketPath}:/opt/engine`],
  };
}
