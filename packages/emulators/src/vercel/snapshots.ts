import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Sandbox } from '@gantry/core';
import type { EmulatorClock } from '../chassis/clock.ts';
import { packDisk } from '../chassis/disk-copy.ts';
import { ApiError, notFound } from './api-error.ts';
import { superuser } from './guest.ts';
import { newId } from './ids.ts';
import type { VercelSession } from './vercel-sandbox.ts';

/** One snapshot: what a guest had changed of its disk, in a file of this machine. */
export interface StoredSnapshot {
  readonly id: string;
  readonly sandboxName: string;
  readonly sourceSessionId: string;
  readonly parentId: string | undefined;
  readonly creationMethod: 'automatic' | 'manual';
  readonly sizeBytes: number;
  readonly createdAt: number;
  readonly file: string;
  status: 'created' | 'deleted';
  updatedAt: number;
  expiresAt: number | undefined;
  lastUsedAt: number | undefined;
  alarm?: Disposable;
}

/** The vendor keeps a snapshot so long when nobody says. */
const defaultExpirationMs = 30 * 24 * 3_600_000;

/** The snapshots of one emulator, each made on top of another or of none. */
export class Snapshots {
  readonly #clock: EmulatorClock;
  readonly #snapshots = new Map<string, StoredSnapshot>();
  #directory: string | undefined;

  constructor(clock: EmulatorClock) {
    this.#clock = clock;
  }

  /** Keeps what is on a session's disk. `expiration` in milliseconds; 0 for ever. */
  async take(
    session: VercelSession,
    guest: Sandbox,
    creationMethod: StoredSnapshot['creationMethod'],
    expiration: number = session.sandbox.settings.snapshotExpiration ?? defaultExpirationMs,
  ): Promise<StoredSnapshot> {
    this.#directory ??= mkdtempSync(path.join(os.tmpdir(), 'gantry-snapshots-'));
    const file = path.join(this.#directory, `${randomUUID()}.tar`);
    await packDisk(guest, session.sandbox.account.marker, file, superuser(guest));
    const now = this.#clock.now();
    const snapshot: StoredSnapshot = {
      ...{ id: newId('snap'), sandboxName: session.sandbox.name, sourceSessionId: session.id },
      ...{ parentId: session.sourceSnapshotId, creationMethod, file, status: 'created' },
      ...{ sizeBytes: statSync(file).size, createdAt: now, updatedAt: now },
      expiresAt: expiration === 0 ? undefined : now + expiration,
      lastUsedAt: undefined,
    };
    this.#snapshots.set(snapshot.id, snapshot);
    this.#expire(snapshot);
    this.#evict(session);
    return snapshot;
  }

  /** Throws the vendor's 404. */
  get(id: string): StoredSnapshot {
    const found = this.#snapshots.get(id);
    if (found) return found;
    throw notFound(`Snapshot ${id}`);
  }

  /** One to start from. Throws the vendor's 410 where it is there no more. */
  require(id: string): StoredSnapshot {
    const found = this.#snapshots.get(id);
    if (found?.status !== 'created') {
      throw new ApiError(410, 'snapshot_not_found', `Snapshot ${id} was not found.`);
    }
    found.lastUsedAt = this.#clock.now();
    return found;
  }

  /** Newest first. */
  list(sandboxName?: string): readonly StoredSnapshot[] {
    return [...this.#snapshots.values()]
      .filter((one) => one.status === 'created')
      .filter((one) => sandboxName === undefined || one.sandboxName === sandboxName)
      .toReversed();
  }

  /** Others that were made on top of the same one. */
  siblings({ id, parentId }: StoredSnapshot): readonly StoredSnapshot[] {
    if (parentId === undefined) return [];
    return this.list().filter((one) => one.parentId === parentId && one.id !== id);
  }

  remove(snapshot: StoredSnapshot): void {
    snapshot.alarm?.[Symbol.dispose]();
    snapshot.status = 'deleted';
    snapshot.updatedAt = this.#clock.now();
    rmSync(snapshot.file, { force: true });
  }

  close(): void {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
  }

  #expire(snapshot: StoredSnapshot): void {
    const { expiresAt } = snapshot;
    if (expiresAt === undefined) return;
    snapshot.alarm = this.#clock.at(expiresAt, () => this.remove(snapshot));
  }

  /** What a sandbox keeps no more of its own goes, or is left to an end of its own. */
  #evict({ sandbox }: VercelSession): void {
    const { keepLastSnapshots: keep } = sandbox.settings;
    if (!keep) return;
    for (const evicted of this.list(sandbox.name).slice(keep.count)) {
      if (keep.deleteEvicted ?? true) this.remove(evicted);
      else if (keep.expiration !== undefined) {
        evicted.alarm?.[Symbol.dispose]();
        evicted.expiresAt = this.#clock.now() + keep.expiration;
        this.#expire(evicted);
      }
    }
  }
}
