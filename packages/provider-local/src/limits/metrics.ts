import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import path from 'node:path';
import type { SandboxMetrics } from '@gantry/core/driver';
import { hostProcess } from '@gantry/core/node';
import { descendants, readProcess } from '../kill/process-tree.ts';
import type { SandboxRecord } from '../sandbox-record.ts';
import { cgroupWith, readCount } from './sandbox-cgroups.ts';

/** What a sandbox uses now: as its control groups count it, else as the sum over its processes. */
export async function readMetrics(
  record: SandboxRecord,
  workspace: string,
): Promise<SandboxMetrics> {
  const diskBytes = await diskUse(record, workspace);
  const known = { ...fromProcesses(record), ...fromCgroups(record) };
  return { ...known, ...(diskBytes === undefined ? {} : { diskBytes }) };
}

function fromCgroups({ cgroups }: SandboxRecord): SandboxMetrics {
  const time = cgroupWith(cgroups, 'cpuacct');
  const memory = cgroupWith(cgroups, 'memory');
  const pids = cgroupWith(cgroups, 'pids');
  const microseconds =
    time?.version === 2 ? readCount(time.path, 'cpu.stat', 'usage_usec') : undefined;
  const nanoseconds = time?.version === 1 ? readCount(time.path, 'cpuacct.usage') : undefined;
  const bytes =
    memory &&
    readCount(memory.path, memory.version === 1 ? 'memory.usage_in_bytes' : 'memory.current');
  const count = pids && readCount(pids.path, 'pids.current');
  return {
    ...(microseconds === undefined ? {} : { cpuSeconds: microseconds / 1e6 }),
    ...(nanoseconds === undefined ? {} : { cpuSeconds: nanoseconds / 1e9 }),
    ...(bytes === undefined ? {} : { memoryBytes: bytes }),
    ...(count === undefined ? {} : { pids: count }),
  };
}

function fromProcesses({ main }: SandboxRecord): SandboxMetrics {
  const first = main && readProcess(main.pid);
  if (!first) return {};
  const all = [first, ...descendants(first.pid)];
  const sum = (one: 'ticks' | 'pages' | 'threads'): number =>
    all.reduce((total, process) => total + process[one], 0);
  const { ticksPerSecond, pageBytes } = systemUnits();
  return {
    cpuSeconds: sum('ticks') / ticksPerSecond,
    memoryBytes: sum('pages') * pageBytes,
    pids: sum('threads'),
  };
}

let units: { readonly ticksPerSecond: number; readonly pageBytes: number } | undefined;

function systemUnits(): { readonly ticksPerSecond: number; readonly pageBytes: number } {
  const ask = (name: string): number =>
    Number(execFileSync('getconf', [name], { encoding: 'utf8' }));
  return (units ??= { ticksPerSecond: ask('CLK_TCK'), pageBytes: ask('PAGESIZE') });
}

/** Absent where part of the workspace cannot be looked into, as directories that a guest has closed to an ordinary user. */
async function diskUse(
  { main, limits }: SandboxRecord,
  workspace: string,
): Promise<number | undefined> {
  if (limits?.diskBytes !== undefined) {
    if (!main) return undefined;
    const { blocks, bfree, bsize } = statfsSync(path.join(`/proc/${main.pid}/root`, 'workspace'));
    return (blocks - bfree) * bsize;
  }
  const { code, output } = await hostProcess.runProgram(['du', '-skx', '--', workspace]);
  const kibibytes = /^(\d+)\s/.exec(output)?.[1];
  return code === 0 && kibibytes !== undefined ? Number(kibibytes) * 1024 : undefined;
}
