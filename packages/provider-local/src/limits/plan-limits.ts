import os from 'node:os';
import {
  type CapabilityOverrides,
  type ResourceRequest,
  SandboxError,
  type Traits,
} from '@gantry/core/driver';
import { type CgroupDirectory, findCgroups } from './find-cgroups.ts';
import { cgroupWith } from './sandbox-cgroups.ts';

/** What one sandbox may use. */
export interface SandboxLimits {
  readonly pids: number;
  /** Held by a control group. Absent where none can be had: then `processMemoryBytes` is. */
  readonly memoryBytes?: number;
  /** Most memory of each single process. */
  readonly processMemoryBytes?: number;
  readonly cpus?: number;
  /** Absent: the workspace is a directory of the host, without a limit of its own. */
  readonly diskBytes?: number;
}

/** Enough for builds and test runs, and no more than a host bears when a guest forks without end. */
const defaultPids = 4_096;
/** The first process, bubblewrap beside it, and the lanes of commands. */
const fewestPids = 16;
const leastMemory = 16 << 20;
/** Below this kernel a limit on processes is the user's in all sandboxes together. */
const ownProcessCount = [5, 14] as const;

type ResourceName = keyof ResourceRequest;

/** What this host can hold sandboxes to. */
export interface HostLimits {
  readonly cgroups: readonly CgroupDirectory[];
  readonly limits: Traits['limits'];
  readonly settable: readonly ResourceName[];
}

/** For how long what was found is taken to hold. */
const freshForMs = 1_000;
let last: { readonly limits: HostLimits; readonly at: number } | undefined;

/** Looks which limits hold here, or did a moment ago. */
export function hostLimits(): HostLimits {
  const now = performance.now();
  if (!last || now - last.at > freshForMs) last = { limits: limitsWith(findCgroups()), at: now };
  return last.limits;
}

function limitsWith(cgroups: readonly CgroupDirectory[]): HostLimits {
  const has = (control: 'memory' | 'pids' | 'cpu'): boolean =>
    cgroupWith(cgroups, control) !== undefined;
  const limits = {
    memory: has('memory') ? 'enforced' : 'none',
    pids: has('pids') || countsBySandbox(os.release()) ? 'enforced' : 'none',
    cpu: has('cpu') ? 'enforced' : 'none',
    disk: 'enforced',
  } as const;
  const settable = (
    [
      ['cpus', limits.cpu],
      ['memoryBytes', limits.memory],
      ['pids', limits.pids],
      ['diskBytes', limits.disk],
    ] as const
  ).flatMap(([name, trait]) => (trait === 'enforced' ? [name] : []));
  return { cgroups, limits, settable };
}

function countsBySandbox(release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return (
    major > ownProcessCount[0] || (major === ownProcessCount[0] && minor >= ownProcessCount[1])
  );
}

/**
 * The limits of a new sandbox: what was asked for, and defaults for the rest. Throws `unsupported` for
 * what this host cannot hold a sandbox to.
 */
export function planLimits(asked: ResourceRequest, host: HostLimits): SandboxLimits {
  for (const [name, value] of Object.entries(asked)) {
    if (value !== undefined && !host.settable.some((settable) => settable === name)) {
      throw refused(
        `resources.${name} cannot be limited here: no control group for it is writable; run as root, or have one delegated`,
        name,
      );
    }
  }
  const { pids = defaultPids, cpus, diskBytes } = asked;
  if (pids < fewestPids) {
    throw refused(
      `resources.pids must be at least ${fewestPids}: a sandbox itself takes some`,
      'pids',
    );
  }
  const { memoryBytes } = asked;
  if (memoryBytes !== undefined && memoryBytes < leastMemory) {
    throw refused(`resources.memoryBytes must be at least ${leastMemory}`, 'memoryBytes');
  }
  if (memoryBytes !== undefined && diskBytes !== undefined && diskBytes > memoryBytes / 2) {
    const message =
      'resources.diskBytes must be at most half of resources.memoryBytes: a workspace with a limit is kept in memory and counts there';
    throw refused(message, 'diskBytes');
  }
  const memory = memoryBytes ?? defaultMemory() + (diskBytes ?? 0);
  return {
    pids,
    ...(host.limits.memory === 'enforced'
      ? { memoryBytes: memory }
      : { processMemoryBytes: memory }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(diskBytes === undefined ? {} : { diskBytes }),
  };
}

/** Half of the host: one sandbox cannot take the host's own programs with it. */
function defaultMemory(): number {
  return Math.max(leastMemory, Math.floor(os.totalmem() / 2));
}

/** What one sandbox can do less than the provider declares: limits that nobody asked for do not hold. */
export function narrowedBy(
  {
    limits,
    root,
    layers,
  }: { readonly limits: SandboxLimits; readonly root: string; readonly layers?: unknown },
  host: HostLimits,
): CapabilityOverrides {
  return {
    limits: {
      ...host.limits,
      ...(limits.cpus === undefined ? { cpu: 'none' } : {}),
      ...(limits.diskBytes === undefined ? { disk: 'none' } : {}),
    },
    resources: { settable: host.settable },
    // A workspace in memory does not outlive the processes, and neither does an overlay's mount.
    ...(limits.diskBytes === undefined && root === 'read-only' && layers === undefined
      ? {}
      : { suspend: { modes: ['memory'] } }),
    // Mounted in the sandbox alone, it is there for root of the host only, and one in memory for nobody.
    ...(limits.diskBytes === undefined && (layers === undefined || process.getuid?.() === 0)
      ? {}
      : { changes: false }),
    // There is nothing on disk that could be shared.
    ...(limits.diskBytes === undefined ? {} : { fork: false }),
  };
}

function refused(message: string, resource: string): SandboxError {
  return new SandboxError('unsupported', message, {
    details: { capability: 'resources', resource },
  });
}
