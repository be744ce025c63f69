import path from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { sqliteLeases } from '../lease/sqlite-leases.ts';
import type { LeaseStore } from '../lease/lease-store.ts';
import { firstHead } from './chain.ts';
import type {
  AppendOptions,
  Claim,
  ClaimOptions,
  Journal,
  JournalEntry,
  JournalHead,
  NewRun,
  ReadOptions,
  RunSummary,
  SignedHead,
} from './journal.ts';
import { entryOf, headOf, runOf } from './journal-rows.ts';
import { RunKeys } from './run-keys.ts';
import { openDatabase, transaction } from './sqlite-database.ts';

/** How a journal in SQLite behaves. */
export interface SqliteJournalOptions {
  /** Tells the time in milliseconds since the Unix epoch. Default: this machine's clock. */
  readonly now?: () => number;
}

/** How many events are read at once; between two such reads a writer may write. */
const readAtOnce = 500;

const withBodies =
  'e.sequence, text, hash, bytes FROM events e LEFT JOIN bodies b ON b.run = e.run AND b.sequence = e.sequence';

/**
 * A journal and lease store in a directory of this host: SQLite in write-ahead mode, every commit on disk when it resolves,
 * all files their owner's alone. Several processes may open it at once. Throws `permission-denied` for another user's directory.
 */
export function sqliteJournal(
  directory: string,
  options: SqliteJournalOptions = {},
): Journal & { readonly leases: LeaseStore } {
  return new SqliteJournal(directory, options.now ?? Date.now);
}

class SqliteJournal implements Journal {
  readonly leases: LeaseStore;
  readonly #database: DatabaseSync;
  readonly #keys: RunKeys;
  readonly #now: () => number;
  readonly #statements = new Map<string, StatementSync>();

  constructor(directory: string, now: () => number) {
    this.#database = openDatabase(directory);
    this.#keys = new RunKeys(path.join(directory, 'keys'));
    this.#now = now;
    this.leases = sqliteLeases(this.#database, now);
  }

  async create({ run, name, key }: NewRun): Promise<RunSummary> {
    if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(run)) {
      const message = `${JSON.stringify(run)} is no run id; use a-z, 0-9 and -, at most 63`;
      throw new SandboxError('invalid-argument', message, { operation: 'journal.create' });
    }
    if (await this.find(run)) throw taken(run);
    const head = firstHead(run);
    // A key that a crash left behind has encrypted nothing: no run has it.
    await this.#keys.destroy(run);
    await this.#keys.write(run, key);
    const sql = `INSERT INTO runs VALUES (?, ?, ?, 'running', ?, ?, 0, NULL, NULL) ON CONFLICT DO NOTHING`;
    const { changes } = this.#sql(sql).run(run, name, this.#now(), head.size, head.hash);
    if (changes === 0) throw taken(run);
    return this.#need(run);
  }

  async find(run: string): Promise<RunSummary | undefined> {
    const row = this.#sql('SELECT * FROM runs WHERE run = ?').get(run);
    return row && summary(runOf(row));
  }

  async *list(): AsyncIterable<RunSummary> {
    const rows = this.#sql('SELECT * FROM runs ORDER BY created_at DESC, run').all();
    for (const row of rows) yield summary(runOf(row));
  }

  async claim(run: string, { owner, ttlMs, over }: ClaimOptions): Promise<Claim> {
    return transaction(this.#database, () => {
      const { epoch, claim } = this.#need(run);
      if (claim && claim.expiresAt > this.#now() && claim.epoch !== over) {
        const until = new Date(claim.expiresAt).toISOString();
        throw new SandboxError(
          'failed-precondition',
          `run ${run} is driven by ${claim.owner} until ${until}; wait, or end that process`,
          { operation: 'journal.claim', details: { run, reason: 'claimed', ...claim } },
        );
      }
      const next = { epoch: epoch + 1, owner, expiresAt: this.#now() + ttlMs };
      this.#sql('UPDATE runs SET epoch = ?, owner = ?, expires_at = ? WHERE run = ?').run(
        next.epoch,
        owner,
        next.expiresAt,
        run,
      );
      return next;
    });
  }

  async renew(run: string, epoch: number, ttlMs: number): Promise<Claim> {
    return transaction(this.#database, () => {
      const { owner } = this.#writable(run, epoch);
      const expiresAt = this.#now() + ttlMs;
      this.#sql('UPDATE runs SET expires_at = ? WHERE run = ?').run(expiresAt, run);
      return { epoch, owner, expiresAt };
    });
  }

  async unclaim(run: string, epoch: number): Promise<void> {
    const sql = 'UPDATE runs SET owner = NULL, expires_at = NULL WHERE run = ? AND epoch = ?';
    this.#sql(sql).run(run, epoch);
  }

  async append(
    run: string,
    epoch: number,
    expected: JournalHead,
    entries: readonly JournalEntry[],
    options: AppendOptions = {},
  ): Promise<void> {
    transaction(this.#database, () => {
      this.#writable(run, epoch);
      const { head } = this.#need(run);
      if (head.size !== expected.size || head.hash !== expected.hash) {
        throw lost(run, `its head is event ${head.size}, not ${expected.size}`);
      }
      for (const entry of entries) this.#insert(run, entry);
      const last = entries.at(-1);
      if (last) {
        const sql = 'UPDATE runs SET size = ?, hash = ? WHERE run = ?';
        this.#sql(sql).run(last.sequence, last.hash, run);
      }
      if (options.status !== undefined)
        this.#sql('UPDATE runs SET status = ? WHERE run = ?').run(options.status, run);
      if (options.signed)
        this.#sql('INSERT OR REPLACE INTO heads VALUES (?, ?, ?)').run(
          run,
          options.signed.size,
          JSON.stringify(options.signed),
        );
    });
  }

  async *read(
    run: string,
    { after = 0, bodies = false }: ReadOptions = {},
  ): AsyncIterable<JournalEntry> {
    this.#need(run);
    const columns = bodies ? withBodies : 'e.sequence, text, hash FROM events e';
    const sql = `SELECT ${columns} WHERE e.run = ? AND e.sequence > ? ORDER BY e.sequence LIMIT ${readAtOnce}`;
    for (let last = after; ;) {
      const rows = this.#sql(sql).all(run, last);
      for (const row of rows) {
        const entry = entryOf(row);
        last = entry.sequence;
        yield entry;
      }
      if (rows.length < readAtOnce) return;
    }
  }

  async entry(run: string, sequence: number): Promise<JournalEntry | undefined> {
    const sql = `SELECT ${withBodies} WHERE e.run = ? AND e.sequence = ?`;
    const row = this.#sql(sql).get(run, sequence);
    return row && entryOf(row);
  }

  async signedHeads(run: string): Promise<readonly SignedHead[]> {
    return this.#sql('SELECT text FROM heads WHERE run = ? ORDER BY size').all(run).map(headOf);
  }

  async key(run: string): Promise<Uint8Array | undefined> {
    this.#need(run);
    return this.#keys.read(run);
  }

  async erase(run: string, epoch: number): Promise<void> {
    this.#writable(run, epoch);
    // The key first: from then on no copy of a body, wherever it is, can be read.
    await this.#keys.destroy(run);
    transaction(this.#database, () => {
      this.#writable(run, epoch);
      this.#sql('DELETE FROM bodies WHERE run = ?').run(run);
    });
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #insert(run: string, { sequence, text, hash, body }: JournalEntry): void {
    this.#sql('INSERT INTO events VALUES (?, ?, ?, ?)').run(run, sequence, text, hash);
    if (body) this.#sql('INSERT INTO bodies VALUES (?, ?, ?)').run(run, sequence, body);
  }

  #need(run: string): RunSummary & { readonly epoch: number } {
    const row = this.#sql('SELECT * FROM runs WHERE run = ?').get(run);
    if (row) return runOf(row);
    throw new SandboxError('not-found', `there is no run ${run} in this journal`, {
      operation: 'journal',
      details: { run },
    });
  }

  /** The claim of the epoch, which must be the run's last. One that has expired is good until someone takes over. */
  #writable(run: string, epoch: number): Claim {
    const { epoch: current, claim } = this.#need(run);
    if (claim && current === epoch) return claim;
    throw lost(run, `epoch ${epoch} is over; the run is at epoch ${current}`);
  }

  #sql(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }
}

function summary({ epoch: _epoch, ...rest }: RunSummary & { readonly epoch: number }): RunSummary {
  return rest;
}

function taken(run: string): SandboxError {
  return new SandboxError('already-exists', `there is a run ${run} already; resume it`, {
    operation: 'journal.create',
    details: { run },
  });
}

function lost(run: string, why: string): SandboxError {
  return new SandboxError('aborted', `this writer has lost run ${run}: ${why}`, {
    operation: 'journal.append',
    outcome: 'not-started',
    retryable: false,
    details: { run, reason: 'fenced' },
  });
}
