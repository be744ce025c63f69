import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { transaction } from '../journal/sqlite-database.ts';
import type { FenceOptions, Lease, LeaseRequest, LeaseStore } from './lease-store.ts';

/** Leases in the database of a journal. */
export function sqliteLeases(database: DatabaseSync, now: () => number): LeaseStore {
  return new SqliteLeases(database, now);
}

class SqliteLeases implements LeaseStore {
  readonly id: string;
  readonly #database: DatabaseSync;
  readonly #now: () => number;

  constructor(database: DatabaseSync, now: () => number) {
    this.#database = database;
    this.#now = now;
    this.id = String(database.prepare('SELECT id FROM store').get()?.['id']);
  }

  async acquire({ id, owner, provider, ttlMs }: LeaseRequest): Promise<Lease> {
    const expiresAt = this.#now() + ttlMs;
    const sql = 'INSERT INTO leases VALUES (?, 1, ?, ?, NULL, ?) ON CONFLICT DO NOTHING';
    const { changes } = this.#database.prepare(sql).run(id, owner, provider, expiresAt);
    if (changes === 1) return { id, epoch: 1, owner, provider, expiresAt };
    throw new SandboxError('already-exists', `there is a lease ${id} already`, {
      operation: 'leases.acquire',
    });
  }

  async renew(id: string, epoch: number, ttlMs: number, ref?: string): Promise<Lease> {
    return transaction(this.#database, () => {
      const lease = this.#find(id);
      if (lease?.epoch !== epoch) throw lost(id, epoch, lease);
      const renewed = { ...lease, ...(ref === undefined ? {} : { ref }) };
      return this.#write({ ...renewed, expiresAt: this.#now() + ttlMs });
    });
  }

  async release(id: string, epoch: number): Promise<void> {
    transaction(this.#database, () => {
      const lease = this.#find(id);
      if (lease && lease.epoch !== epoch) throw lost(id, epoch, lease);
      this.#database.prepare('DELETE FROM leases WHERE id = ?').run(id);
    });
  }

  async fence(id: string, { owner, ttlMs, over }: FenceOptions): Promise<Lease> {
    return transaction(this.#database, () => {
      const lease = this.#find(id);
      if (!lease) {
        throw new SandboxError('not-found', `there is no lease ${id}`, {
          operation: 'leases.fence',
        });
      }
      if (lease.expiresAt > this.#now() && lease.epoch !== over) {
        const until = new Date(lease.expiresAt).toISOString();
        throw new SandboxError(
          'failed-precondition',
          `lease ${id} belongs to ${lease.owner} until ${until}`,
          { operation: 'leases.fence', details: { reason: 'leased', id } },
        );
      }
      const expiresAt = this.#now() + ttlMs;
      return this.#write({ ...lease, epoch: lease.epoch + 1, owner, expiresAt });
    });
  }

  async find(id: string): Promise<Lease | undefined> {
    return this.#find(id);
  }

  async *list(): AsyncIterable<Lease & { readonly expired: boolean }> {
    const rows = this.#database.prepare('SELECT * FROM leases ORDER BY id').all();
    for (const row of rows) {
      const lease = leaseOf(row);
      yield { ...lease, expired: lease.expiresAt <= this.#now() };
    }
  }

  #find(id: string): Lease | undefined {
    const row = this.#database.prepare('SELECT * FROM leases WHERE id = ?').get(id);
    return row && leaseOf(row);
  }

  #write(lease: Lease): Lease {
    const sql = 'UPDATE leases SET epoch = ?, owner = ?, ref = ?, expires_at = ? WHERE id = ?';
    const { epoch, owner, ref = null, expiresAt, id } = lease;
    this.#database.prepare(sql).run(epoch, owner, ref, expiresAt, id);
    return lease;
  }
}

function leaseOf(row: Record<string, SQLOutputValue>): Lease {
  const { id, epoch, owner, provider, ref, expires_at: expiresAt } = row;
  return {
    id: String(id),
    epoch: Number(epoch),
    owner: String(owner),
    provider: String(provider),
    expiresAt: Number(expiresAt),
    ...(typeof ref === 'string' ? { ref } : {}),
  };
}

function lost(id: string, epoch: number, lease: Lease | undefined): SandboxError {
  const now = lease ? `it is at epoch ${lease.epoch}` : 'it is gone';
  return new SandboxError('aborted', `lease ${id} of epoch ${epoch} is lost: ${now}`, {
    operation: 'leases.renew',
    outcome: 'not-started',
    retryable: false,
    details: { reason: 'fenced', id },
  });
}
