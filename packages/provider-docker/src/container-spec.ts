import type { CreateRequest } from '@gantry/core/driver';
import { SandboxError } from '@gantry/core/driver';
import type { ContainerCreateOptions } from 'dockerode';
import { ownLabels } from './labels.ts';
import { openNetwork } from './open-network.ts';
import { waitProgramPath } from './wait-program.ts';
import { seccompProfile } from './seccomp-profile.ts';

/** What a sandbox gets when its request names no figure. */
const defaultLimits = { memoryBytes: 2 * 1024 ** 3, pids: 512 } as const;

/** Of the processes that count a sandbox's time, and of no guest: none may signal them, root without capabilities included. */
const timekeeper = '65532:65532';

/** What `guest-root` may do in its own container: what package managers and services need. */
const guestRootCapabilities: readonly string[] = [
  ...[
    'CHOWN',
    'DAC_OVERRIDE',
    'FOWNER',
    'FSETID',
    'KILL',
    'SETGID',
    'SETUID',
    'SETFCAP',
    'SYS_CHROOT',
  ],
  'NET_BIND_SERVICE',
];

/** What the spec of a container is made of, beside the request. */
export interface ContainerParts {
  /** Id of the prepared image. */
  readonly image: string;
  /** Id of the image that snapshots are layered on. */
  readonly base: string;
  readonly hasShell: boolean;
  /** `uid:gid` of every process of the guest. */
  readonly owner: string;
  readonly architecture: 'x64' | 'arm64';
  readonly runtime?: string | undefined;
  readonly forkImage?: string | undefined;
}

/** The name of a sandbox's container. */
export function containerName(id: string): string {
  return `gantry-${id}`;
}

/** What the daemon is asked to make. The least of everything that the request does not ask for. */
export function containerSpec(
  request: CreateRequest,
  parts: ContainerParts,
): ContainerCreateOptions {
  const readOnly = (request.root ?? 'read-only') === 'read-only';
  const isRoot = request.privilege === 'guest-root';
  const ports = portBindings(request);
  const {
    memoryBytes = defaultLimits.memoryBytes,
    pids = defaultLimits.pids,
    cpus,
  } = request.resources ?? {};
  return {
    name: containerName(request.id),
    Image: parts.image,
    // The daemon gives the capabilities of a container to its root only where its first process is root's.
    User: isRoot ? '0:0' : timekeeper,
    Entrypoint: firstProcess(request.maxLifetimeMs, parts.hasShell),
    Cmd: [],
    Env: environment(request),
    // Not the workspace, which a guest may have closed to others before it was forked.
    WorkingDir: '/',
    Hostname: 'sandbox',
    Labels: labelsOf(request, parts, readOnly),
    ...(readOnly ? { Volumes: { '/workspace': {} } } : {}),
    ExposedPorts: Object.fromEntries(Object.keys(ports).map((port) => [port, {}])),
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      Init: true,
      AutoRemove: true,
      ReadonlyRootfs: readOnly,
      // Not counted as the guest's disk, but as its memory; `exec`, since builds run what they put there.
      Tmpfs: { '/tmp': 'rw,exec,nosuid,nodev,mode=1777,size=512m' },
      CapDrop: ['ALL'],
      ...(isRoot ? { CapAdd: [...guestRootCapabilities] } : {}),
      SecurityOpt: [
        'no-new-privileges',
        `seccomp=${seccompProfile(parts.architecture, isRoot ? ['chroot'] : [])}`,
      ],
      NetworkMode: request.network.mode === 'open' ? openNetwork : 'none',
      IpcMode: 'private',
      PortBindings: ports,
      Memory: memoryBytes,
      MemorySwap: memoryBytes,
      PidsLimit: pids,
      ...(cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
      LogConfig: { Type: 'none', Config: {} },
      Mounts: (request.mounts ?? []).map(({ source, target, writable }) => ({
        Type: 'bind' as const,
        Source: source,
        Target: target,
        ReadOnly: !writable,
        BindOptions: { Propagation: 'rprivate' as const },
      })),
      ...(parts.runtime === undefined ? {} : { Runtime: parts.runtime }),
    },
  };
}

function environment({ env }: CreateRequest): string[] {
  // The guest's user is in no /etc/passwd, and its home must be a place that it can write.
  return Object.entries({ HOME: '/tmp', ...env }).map(([name, value]) => `${name}=${value}`);
}

/** What ends when the sandbox's time is over. */
function firstProcess(lifetimeMs: number, hasShell: boolean): string[] {
  // The guest's own PATH may have none.
  const sleep = 'PATH=$PATH:/usr/bin:/bin; exec sleep "$0"';
  if (hasShell) return ['/bin/sh', '-c', sleep, lifetimeSeconds(lifetimeMs)];
  const nanoseconds = Math.floor(lifetimeMs % 1_000) * 1_000_000;
  return [`/${waitProgramPath}`, String(Math.floor(lifetimeMs / 1_000)), String(nanoseconds)];
}

/** Whole seconds where there is one: not every `sleep` takes fractions. Never more than was asked. */
function lifetimeSeconds(milliseconds: number): string {
  return String(milliseconds >= 1_000 ? Math.floor(milliseconds / 1_000) : milliseconds / 1_000);
}

function labelsOf(
  request: CreateRequest,
  parts: ContainerParts,
  readOnly: boolean,
): Record<string, string> {
  return {
    [ownLabels.id]: request.id,
    [ownLabels.kind]: 'sandbox',
    [ownLabels.labels]: JSON.stringify(request.labels),
    [ownLabels.expiresAt]: String(Date.now() + request.maxLifetimeMs),
    [ownLabels.root]: readOnly ? 'read-only' : 'copy-on-write',
    [ownLabels.base]: parts.base,
    [ownLabels.owner]: parts.owner,
    [ownLabels.shell]: parts.hasShell ? 'sh' : 'none',
    // Always written: an image may bring one of its own.
    [ownLabels.forkImage]: parts.forkImage ?? '',
  };
}

function portBindings(
  request: CreateRequest,
): Record<string, { HostIp: string; HostPort: string }[]> {
  const { ports = [], network } = request;
  if (ports.length > 0 && network.mode !== 'open') {
    const message = `ports need the network mode open: with mode ${network.mode} nothing reaches the sandbox`;
    throw new SandboxError('unsupported', message, { details: { capability: 'ports' } });
  }
  return Object.fromEntries(
    ports.map((port) => [`${port}/tcp`, [{ HostIp: '127.0.0.1', HostPort: '' }]]),
  );
}
