import type { CapabilityOverrides, Finding } from '@gantry/core/driver';
import { SandboxError } from '@gantry/core/driver';
import type Dockerode from 'dockerode';
import { interceptProblem } from './container-network.ts';
import type { DaemonAddress } from './daemon-address.ts';
import { wordsOf } from './errors.ts';

/** What the daemon's `info` says, as far as it is used here. */
interface DaemonInfo {
  readonly ServerVersion: string;
  readonly Architecture: string;
  readonly OSType: string;
  readonly Driver: string;
  readonly InitBinary: string;
  readonly SecurityOptions: readonly string[] | null;
  readonly MemoryLimit: boolean;
  readonly PidsLimit: boolean;
  readonly CpuCfsQuota: boolean;
}

/** Asks the daemon what it is. */
export async function daemonInfo(daemon: Dockerode, signal: AbortSignal): Promise<DaemonInfo> {
  // oxlint-disable-next-line typescript/no-unsafe-assignment -- the library types this answer as any
  const info: DaemonInfo = await daemon.info();
  signal.throwIfAborted();
  return info;
}

/** One sentence about a daemon that does not answer, with what to do. */
export function unreachable(address: DaemonAddress, error: unknown): string {
  const start = address.isLocal
    ? 'install and start Docker (on Debian: apt-get install docker.io)'
    : 'start it';
  return `no Docker daemon answers at ${address.url} (from ${address.source}: ${wordsOf(error)}); ${start}, or set DOCKER_HOST`;
}

/** The name of the daemon's machine as Node spells it; other machines have no system-call filter here. */
export function architectureOf({
  Architecture,
}: Pick<DaemonInfo, 'Architecture'>): 'x64' | 'arm64' {
  if (/^(?:x86_64|amd64)$/.test(Architecture)) return 'x64';
  if (/^(?:aarch64|arm64)$/.test(Architecture)) return 'arm64';
  const message = `the daemon runs on ${Architecture}; sandboxes have a system-call filter for x86-64 and arm64 only`;
  throw new SandboxError('failed-precondition', message);
}

/** What this daemon takes away. Rejects when it cannot make a sandbox at all. */
export async function probeDaemon(
  daemon: Dockerode,
  address: DaemonAddress,
  runtime: string | undefined,
  signal: AbortSignal,
): Promise<CapabilityOverrides> {
  const findings = await examineDaemon(daemon, address, signal);
  const wrong = findings.filter(({ ok, control }) => !ok && needed.has(control));
  if (wrong.length > 0) {
    const message = wrong.map((finding) => finding.message).join('; ');
    throw new SandboxError('failed-precondition', message, { details: { findings: wrong } });
  }
  const info = await daemonInfo(daemon, signal);
  return {
    limits: {
      ...(info.MemoryLimit ? {} : { memory: 'none' }),
      ...(info.PidsLimit ? {} : { pids: 'none' }),
      ...(info.CpuCfsQuota ? {} : { cpu: 'none' }),
    },
    // Both would be of another machine.
    ...(address.isLocal ? {} : { mounts: false, ports: false }),
    // What a wrapper makes of `intercept`.
    ...(interceptProblem(address, runtime) === undefined
      ? {}
      : { network: { modes: ['none', 'open'] } }),
  };
}

const needed: ReadonlySet<string> = new Set(['docker daemon', 'machine', 'seccomp']);

/** Each thing that sandboxes need of a daemon, and whether it has it. Never rejects for a daemon that is away. */
export async function examineDaemon(
  daemon: Dockerode,
  address: DaemonAddress,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  let info: DaemonInfo;
  try {
    info = await daemonInfo(daemon, signal);
  } catch (error) {
    signal.throwIfAborted();
    return [{ control: 'docker daemon', ok: false, message: unreachable(address, error) }];
  }
  const options = info.SecurityOptions ?? [];
  const seccomp = options.some((option) => option.includes('seccomp'));
  const limit = (control: string, ok: boolean, what: string): Finding => ({
    ...{ control, ok },
    message: ok
      ? `${what} can be limited`
      : `${what} cannot be limited: the daemon has no such cgroup controller`,
  });
  return [
    {
      ...{ control: 'docker daemon', ok: true },
      message: `Docker ${info.ServerVersion} at ${address.url} (from ${address.source})`,
    },
    machine(info),
    {
      ...{ control: 'seccomp', ok: seccomp },
      message: seccomp
        ? 'system calls are filtered by a profile of our own'
        : 'the daemon does not filter system calls; use a kernel and a daemon that do',
    },
    limit('memory limit', info.MemoryLimit, 'memory'),
    limit('process limit', info.PidsLimit, 'the number of processes'),
    limit('cpu limit', info.CpuCfsQuota, 'processor time'),
    {
      // Worth knowing, and nothing that keeps sandboxes from working.
      ...{ control: 'rootless', ok: true },
      message: options.some((option) => /rootless|userns/.test(option))
        ? "root in a container is not the host's root"
        : "root in a container is the host's root, without its rights; a rootless daemon or userns-remap adds a wall",
    },
  ];
}

function machine(info: DaemonInfo): Finding {
  const ok = info.OSType === 'linux' && /^(?:x86_64|amd64|aarch64|arm64)$/.test(info.Architecture);
  const message = `the daemon runs ${info.OSType} containers on ${info.Architecture}`;
  return {
    control: 'machine',
    ok,
    message: ok ? message : `${message}; sandboxes need Linux on x86-64 or arm64`,
  };
}
