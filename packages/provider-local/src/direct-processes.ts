import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { identifyProcess, isRunning } from '@gantry/core/node';
import { isErrno } from './errors.ts';

/** Which process groups a sandbox without isolation has started, for any process of the user to end. */
export class DirectProcesses {
  readonly #directory: string;

  constructor(sandboxDirectory: string) {
    this.#directory = path.join(sandboxDirectory, 'processes');
  }

  prepare(): void {
    mkdirSync(this.#directory, { mode: 0o700 });
  }

  /** Notes the leader of a new process group. */
  add(pid: number): void {
    const identity = identifyProcess(pid);
    // One that has ended already has left nothing to find, or children that its group still names.
    writeFileSync(this.#file(pid), JSON.stringify(identity ?? null), { mode: 0o600 });
  }

  /** Forgets a leader that has ended, unless others of its group still run. */
  ended(pid: number): void {
    if (!signalGroup(pid, 0)) rmSync(this.#file(pid), { force: true });
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
    for (const pid of names.map(Number)) {
      // A group keeps its leader's id from being used again. So where a process has that id now, it
      // is the leader itself, which `add` has noted, or the group is gone.
      const now = identifyProcess(pid);
      if (!now || this.#isNoted(now.pid)) signalGroup(pid, 'SIGKILL');
      rmSync(this.#file(pid), { force: true });
    }
  }

  #isNoted(pid: number): boolean {
    const noted = readNoted(this.#file(pid));
    return noted !== undefined && isRunning(noted);
  }

  #file(pid: number): string {
    return path.join(this.#directory, String(pid));
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
