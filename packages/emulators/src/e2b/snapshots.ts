import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Sandbox } from '@gantry/core';
import { packDisk, unpackDisk } from '../chassis/disk-copy.ts';
import { ApiError, unsupported } from './api-error.ts';
import { type E2bSandbox, newId, preparedMarker } from './e2b-sandbox.ts';

/** What was on the disk of a sandbox at one moment, and the environment that it had. */
export interface StoredSnapshot {
  readonly id: string;
  readonly names: readonly string[];
  readonly sandboxId: string;
  readonly envVars: Readonly<Record<string, string>>;
  /** A tar of what the guest has changed since its sandbox was made. */
  readonly file: string;
}

/** The snapshots of one emulator, on this machine's disk until it is closed. */
export class Snapshots {
  readonly #snapshots = new Map<string, StoredSnapshot>();
  #directory: string | undefined;

  /**
   * Keeps what is on the sandbox's disk. The vendor keeps its memory too: where something runs whose memory
   * would be lost, that is refused.
   */
  async take(
    { id: sandboxId, sandbox, details }: E2bSandbox,
    name?: string,
  ): Promise<StoredSnapshot> {
    if (details.processes.list().length > 0) {
      throw unsupported('processes run, and no provider here can copy their memory');
    }
    const template = newId();
    const id = name === undefined ? `${template}:default` : `emulator/${name}:default`;
    this.#directory ??= mkdtempSync(path.join(os.tmpdir(), 'gantry-snapshots-'));
    const file = path.join(this.#directory, `${template}.tar`);
    await packDisk(sandbox, preparedMarker, file);
    const names = name === undefined ? [] : [id];
    const snapshot = { id, names, sandboxId, file, envVars: details.request.envVars ?? {} };
    this.#snapshots.set(id, snapshot);
    return snapshot;
  }

  get(id: string): StoredSnapshot | undefined {
    return this.#snapshots.get(id) ?? this.#snapshots.get(`${id}:default`);
  }

  /** Oldest first; of one sandbox, or by one name, where that is asked for. */
  list(sandboxId: string | undefined, name: string | undefined): readonly StoredSnapshot[] {
    return [...this.#snapshots.values()].filter(
      (snapshot) =>
        (sandboxId === undefined || snapshot.sandboxId === sandboxId) &&
        (name === undefined || snapshot.id === name || snapshot.id === `emulator/${name}:default`),
    );
  }

  /** Throws the vendor's 404. */
  remove(id: string): void {
    const found = this.get(id);
    if (!found) throw new ApiError(404, `template '${id}' not found`);
    this.#snapshots.delete(found.id);
    rmSync(found.file);
  }

  close(): void {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Puts what a snapshot keeps onto the disk of a fresh sandbox. */
export function unpack(sandbox: Sandbox, { file }: StoredSnapshot): Promise<void> {
  return unpackDisk(sandbox, file);
}
