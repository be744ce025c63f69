import { readFileSync } from 'node:fs';
import { hostProcess } from '@gantry/core/node';
import { refusedToStart } from '../errors.ts';
import type { SandboxRecord } from '../sandbox-record.ts';
import { cgroupWith } from './sandbox-cgroups.ts';

/** What no control group holds a sandbox to, as prlimit(1) takes it. */
export function processLimits({ limits, cgroups }: SandboxRecord): string[] {
  const pids = cgroupWith(cgroups, 'pids') ? undefined : limits?.pids;
  const data = limits?.processMemoryBytes;
  return [
    ...(pids === undefined ? [] : [`--nproc=${pids}`]),
    ...(data === undefined ? [] : [`--data=${data}`]),
  ];
}

/**
 * Sets what no control group holds a sandbox to: limits that every process inherits from the first
 * one, and cannot raise. The count of processes is the user namespace's own (Linux 5.14), so it is
 * the sandbox's.
 */
export async function setProcessLimits(pid: number, record: SandboxRecord): Promise<void> {
  const { uid } = record;
  const files = /^Max file size +\S+ +(\S+) /m.exec(
    readFileSync(`/proc/${pid}/limits`, 'latin1'),
  )?.[1];
  if (files !== 'unlimited') {
    // Commands are told apart by their limits, which are far above any file.
    throw refusedToStart(
      'the size of files is limited; start this program with `ulimit -f unlimited`',
      {
        control: 'file size limit',
      },
    );
  }
  const settings = processLimits(record);
  if (settings.length === 0) return;
  const limit = ['prlimit', '--pid', String(pid), ...settings] as const;
  // Root may be without the right to set others' limits; the sandbox's uid may lower its own.
  const { code, output } = await hostProcess.runProgram(
    uid === undefined
      ? limit
      : ['setpriv', '--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups', ...limit],
  );
  if (code === 0) return;
  throw refusedToStart(`its limits could not be set: ${output || `prlimit ended with ${code}`}`, {
    control: 'prlimit',
  });
}
