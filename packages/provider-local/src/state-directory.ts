import { chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { SandboxError } from '@gantry/core/driver';
import { isErrno } from './errors.ts';
import { readRecord, type SandboxRecord, writeRecord } from './sandbox-record.ts';

/** The files of one sandbox. */
export interface SandboxPaths {
  readonly id: string;
  readonly directory: string;
  readonly record: string;
  readonly workspace: string;
  readonly control: string;
  /** The FIFO through which the agent is let go. */
  readonly go: string;
  /** The FIFO through which the keeper is told how long the sandbox may live. */
  readonly time: string;
  /** The FIFO that is at its end when nothing of the sandbox runs any more. */
  readonly report: string;
  /** A file that names the process that makes the sandbox. */
  readonly creator: string;
  /** What detached processes have written. Made when there is one. */
  readonly detached: string;
}

/** The directory through which the sandboxes of one user find each other. */
export class StateDirectory {
  readonly path: string;

  constructor(directory: string) {
    this.path = directory;
  }

  /** Makes what is missing; throws `failed-precondition` when others could put something into it. */
  ensure(): void {
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    const stat = lstatSync(this.path);
    const self = process.getuid?.();
    if (!stat.isDirectory() || (self !== undefined && stat.uid !== self)) {
      throw new SandboxError(
        'failed-precondition',
        `the state directory ${this.path} is not a directory of the current user; name another one with GANTRY_STATE_DIRECTORY`,
      );
    }
    if ((stat.mode & 0o077) !== 0) chmodSync(this.path, 0o700);
    for (const name of ['layers', 'sandboxes', 'shared', 'spares', 'trash', 'uids']) {
      mkdirSync(path.join(this.path, name), { recursive: true, mode: 0o700 });
    }
    if (self === 0) {
      // The uids of root's sandboxes go through them, where they are shown outside of this closed directory.
      for (const name of ['sandboxes', 'shared']) chmodSync(path.join(this.path, name), 0o711);
    }
  }

  sandbox(id: string): SandboxPaths {
    // Ids come back in refs, from anywhere.
    if (!/^[a-z0-9][a-z0-9-]{0,199}$/.test(id)) {
      throw new SandboxError(
        'invalid-argument',
        `${JSON.stringify(id)} is no id of a local sandbox`,
      );
    }
    const directory = path.join(this.path, 'sandboxes', id);
    return {
      id,
      directory,
      record: path.join(directory, 'record.json'),
      workspace: path.join(directory, 'workspace'),
      control: path.join(directory, 'control'),
      go: path.join(directory, 'go'),
      time: path.join(directory, 'time'),
      report: path.join(directory, 'report'),
      creator: path.join(directory, 'creator'),
      detached: path.join(directory, 'detached'),
    };
  }

  /** The ids of all directories of sandboxes, dead ones too. */
  ids(): string[] {
    try {
      return readdirSync(path.join(this.path, 'sandboxes'));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return [];
      throw error;
    }
  }

  read(id: string): SandboxRecord | undefined {
    return readRecord(this.sandbox(id).record, id);
  }

  write(record: SandboxRecord): void {
    writeRecord(this.sandbox(record.id).record, record);
  }
}
