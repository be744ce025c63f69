import { readlinkSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { SandboxError, type SandboxRef } from '@gantry/core/driver';
import { hostProcess } from '@gantry/core/node';
import { isErrno, refusedToStart } from '../errors.ts';
import type { StateDirectory } from '../state-directory.ts';

/** Only one process resumes a sandbox at a time; throws `aborted` while another one does. */
export function holdResume(state: StateDirectory, ref: SandboxRef): Disposable {
  const self = hostProcess.identifyProcess(process.pid);
  if (!self) throw refusedToStart('this process cannot see itself in /proc');
  const lock = path.join(state.sandbox(ref.id).directory, 'resuming');
  const owner = `${self.pid} ${self.startTime}`;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      // A link that says whose it is comes into being at once, or not at all where one is there.
      symlinkSync(owner, lock);
      return { [Symbol.dispose]: () => rmSync(lock, { force: true }) };
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return { [Symbol.dispose]: () => undefined };
      if (!isErrno(error, 'EEXIST')) throw error;
      if (!isLeft(lock)) break;
      rmSync(lock, { force: true });
    }
  }
  throw new SandboxError('aborted', `sandbox ${ref.id} is being resumed by another caller`, {
    ref,
    outcome: 'not-started',
  });
}

/** Whether the process that held it has ended. */
function isLeft(lock: string): boolean {
  try {
    const [pid = '', startTime] = readlinkSync(lock).split(' ');
    return hostProcess.identifyProcess(Number(pid))?.startTime !== startTime;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return true;
    throw error;
  }
}
