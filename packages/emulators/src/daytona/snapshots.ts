import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Sandbox } from '@gantry/core';
import { packDisk, unpackDisk } from '../chassis/disk-copy.ts';
import { ApiError } from './api-error.ts';
import { account } from './daytona-sandbox.ts';
import { volumesDirectory } from './volumes.ts';

/** What sandboxes are made of: the size that they have, nominally, and the class that they are of. */
export interface SnapshotShape {
  readonly id: string;
  readonly name: string;
  readonly sandboxClass: 'container' | 'linux-vm';
  readonly cpu: number;
  /** GiB. */
  readonly memory: number;
  /** GiB. */
  readonly disk: number;
  /** An image of the provider's. Absent: the provider's default. */
  readonly image?: string;
  /** A tar of what the guest had changed since its sandbox was made. */
  readonly file?: string;
  /** The environment of the sandbox that it was taken of. */
  readonly env?: Readonly<Record<string, string>>;
  readonly sourceSandboxId?: string;
  readonly createdAt: number;
}

const general: readonly SnapshotShape[] = (
  [
    ['daytona-small', 'container', 1, 1, 3],
    ['daytona-medium', 'container', 2, 4, 8],
    ['daytona-large', 'container', 4, 8, 10],
    // The vendor's virtual machines, which can be paused and forked; the name is the emulator's own.
    ['daytona-linux-vm', 'linux-vm', 1, 1, 3],
  ] as const
).map(([name, sandboxClass, cpu, memory, disk]) => ({
  ...{ id: randomUUID(), name, sandboxClass, cpu, memory, disk, createdAt: Date.now() },
}));

/** The snapshots of one emulator: the vendor's own, and those of its clients on this machine's disk. */
export class Snapshots {
  readonly #snapshots = new Map<string, SnapshotShape>(general.map((one) => [one.id, one]));
  #directory: string | undefined;

  /** By id or name. */
  find(idOrName: string): SnapshotShape | undefined {
    const byId = this.#snapshots.get(idOrName);
    return byId ?? [...this.#snapshots.values()].find(({ name }) => name === idOrName);
  }

  /** Throws the vendor's 404. */
  get(idOrName: string): SnapshotShape {
    const found = this.find(idOrName);
    if (found) return found;
    throw new ApiError(404, `Snapshot ${idOrName} not found`);
  }

  /** What a sandbox is made of when nobody says. */
  get default(): SnapshotShape {
    return this.get('daytona-small');
  }

  list(): readonly SnapshotShape[] {
    return [...this.#snapshots.values()];
  }

  isGeneral({ id }: SnapshotShape): boolean {
    return general.some((one) => one.id === id);
  }

  /** Throws the vendor's 409 for a name that is taken. */
  add(shape: Omit<SnapshotShape, 'id'>): SnapshotShape {
    this.requireFree(shape.name);
    const added = { ...shape, id: randomUUID() };
    this.#snapshots.set(added.id, added);
    return added;
  }

  requireFree(name: string): void {
    if (this.find(name)) throw new ApiError(409, `Snapshot with name "${name}" already exists`);
  }

  /** Keeps what is on a sandbox's disk, in a file that `remove` deletes. */
  async pack(sandbox: Sandbox): Promise<string> {
    this.#directory ??= mkdtempSync(path.join(os.tmpdir(), 'gantry-snapshots-'));
    const file = path.join(this.#directory, `${randomUUID()}.tar`);
    await packDisk(sandbox, account.marker, file, { without: volumesDirectory });
    return file;
  }

  /** Throws the vendor's 404, and its 403 for one of its own. */
  remove(idOrName: string): void {
    const found = this.get(idOrName);
    if (this.isGeneral(found)) throw new ApiError(403, `Snapshot ${found.name} is not yours`);
    this.#snapshots.delete(found.id);
    if (found.file !== undefined) rmSync(found.file, { force: true });
  }

  close(): void {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Puts what a snapshot keeps onto the disk of a fresh sandbox. */
export async function unpack(sandbox: Sandbox, { file }: SnapshotShape): Promise<void> {
  if (file !== undefined) await unpackDisk(sandbox, file);
}
