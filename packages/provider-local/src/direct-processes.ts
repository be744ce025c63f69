import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { identifyProcess } from '@gantry/core/node';
import { isErrno } from './errors.ts';

/**
 * Which process groups a sandbox without isolation has started, for any process of the user to end:
 * one empty file each, named `PID-START`.
 */
export class DirectProcesses {
  readonly #directory: string;

  constructor(sandboxDirectory: string) {
    this.#directory = path.join(sandboxDirectory, 'processes');
  }

  prepare(): void {
    mkdirSync(this.#directory, { mode: 0o700 });
  }

  /** Notes the leader of a new process group; returns what to call once it has ended. */
  add(pid: number): () => void {
    const start = identifyProcess(pid)?.startTime ?? '';
    const file = path.join(this.#directory, `${pid}-${encodeURIComponent(start)}`);
    writeFileSync(file, '', { mode: 0o600 });
    return () => {
      // Others of its group may still run; then the file stays, for the end of the sandbox.
      if (!signalGroup(pid, 0)) rmSync(file, { force: true });
    };
  }

  /** Kills every group that still runs. */
  killAll(): void {
    let names: string[];
    try {
      names = readdirSync(this.#directory);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return;
      throw error;
    }
    for (const name of names) {
      const [, pid = '', start = ''] = /^([1-9]\d{0,9})-(.*)$/.exec(name) ?? [];
      if (Number(pid) < 2) continue;
      // A group keeps its leader's id from being used again: whatever process has that id now is the
      // leader itself, or the group is gone.
      const now = identifyProcess(Number(pid));
      if (!now || encodeURIComponent(now.startTime) === start) signalGroup(Number(pid), 'SIGKILL');
    }
  }
}

/** Signals a process group; false when there is none. */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
    throw error;
  }
}
