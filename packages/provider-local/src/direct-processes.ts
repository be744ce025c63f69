import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { hostProcess } from '@gantry/core/node';
import { badRecord, isErrno } from './errors.ts';
import { type MarkRange, markRange, newMarkRange } from './kill/marks.ts';
import { signalMarked } from './kill/signal-command.ts';

/**
 * What a sandbox without isolation has started, for any process of the user to end: its process groups,
 * one empty file each, named `PID-START`; and in the file `.mark` the first of the marks of its commands,
 * where commands are marked.
 */
export class DirectProcesses {
  readonly #directory: string;

  constructor(sandboxDirectory: string) {
    this.#directory = path.join(sandboxDirectory, 'processes');
  }

  /** Makes the directory. Returns the first of the marks; empty without any. */
  prepare(marked: boolean): string {
    mkdirSync(this.#directory, { mode: 0o700 });
    const first = marked ? String(newMarkRange().first) : '';
    writeFileSync(this.#markFile, first, { mode: 0o600 });
    return first;
  }

  /** The marks of this sandbox's commands; `undefined` where they are not marked. */
  marks(): MarkRange | undefined {
    const text = this.#readMark();
    if (text === '') return undefined;
    if (/^\d{19}$/.test(text)) return markRange(BigInt(text));
    throw badRecord(this.#markFile, 'it holds no mark');
  }

  /** Notes the leader of a new process group; returns what to call once it has ended. */
  add(pid: number): () => void {
    const start = hostProcess.identifyProcess(pid)?.startTime ?? '';
    const file = path.join(this.#directory, `${pid}-${encodeURIComponent(start)}`);
    writeFileSync(file, '', { mode: 0o600 });
    return () => {
      // Others of its group may still run; then the file stays, for the end of the sandbox.
      if (!signalGroup(pid, 0)) rmSync(file, { force: true });
    };
  }

  /** Kills every group, and every marked process wherever it has gone. Resolves when none is left of those. */
  async killAll(): Promise<void> {
    for (const name of this.#names()) {
      const [, pid = '', start = ''] = /^([1-9]\d{0,9})-(.*)$/.exec(name) ?? [];
      if (Number(pid) < 2) continue;
      // A group keeps its leader's id from being used again: whatever process has that id now is the
      // leader itself, or the group is gone.
      const now = hostProcess.identifyProcess(Number(pid));
      if (!now || encodeURIComponent(now.startTime) === start) signalGroup(Number(pid), 'SIGKILL');
    }
    const marks = this.marks();
    if (marks) await signalMarked(marks, 'SIGKILL', false);
  }

  get #markFile(): string {
    return path.join(this.#directory, '.mark');
  }

  #names(): string[] {
    try {
      return readdirSync(this.#directory);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return [];
      throw error;
    }
  }

  #readMark(): string {
    try {
      return readFileSync(this.#markFile, 'utf8');
    } catch (error) {
      // Its making was cut off, or it has been removed.
      if (isErrno(error, 'ENOENT')) return '';
      throw error;
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
