import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SandboxError } from '../../errors/sandbox-error.ts';

const version = 1;

const schema = `
CREATE TABLE runs (
  run TEXT PRIMARY KEY, name TEXT NOT NULL, created_at INTEGER NOT NULL, status TEXT NOT NULL,
  size INTEGER NOT NULL, hash TEXT NOT NULL, epoch INTEGER NOT NULL, owner TEXT, expires_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
  run TEXT NOT NULL, sequence INTEGER NOT NULL, text TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (run, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE bodies (
  run TEXT NOT NULL, sequence INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (run, sequence)
) STRICT;
CREATE TABLE heads (run TEXT NOT NULL, size INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (run, size)) STRICT, WITHOUT ROWID;
CREATE TABLE leases (
  id TEXT PRIMARY KEY, epoch INTEGER NOT NULL, owner TEXT NOT NULL, provider TEXT NOT NULL, ref TEXT, expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE store (id TEXT NOT NULL) STRICT;
INSERT INTO store VALUES (lower(hex(randomblob(16))));
`;

/** Opens the database of a directory, making both. Every file is its owner's alone; each commit is on disk when it returns. */
export function openDatabase(directory: string): DatabaseSync {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (typeof process.getuid === 'function' && statSync(directory).uid !== process.getuid()) {
    throw new SandboxError(
      'permission-denied',
      `the journal's directory ${directory} belongs to another user; give one of your own`,
      { operation: 'journal.open', details: { path: directory } },
    );
  }
  chmodSync(directory, 0o700);
  const file = path.join(directory, 'journal.db');
  // SQLite gives its other files the mode of this one.
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const database = new DatabaseSync(file, { timeout: 30_000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON');
  transaction(database, () => prepare(database, file));
  return database;
}

/** Runs `work` in one transaction that no other writer is in; what it throws undoes it. */
export function transaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // A failed COMMIT may have ended the transaction already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function prepare(database: DatabaseSync, file: string): void {
  const found = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (found === version) return;
  if (found !== 0) {
    throw new SandboxError(
      'failed-precondition',
      `the journal ${file} has format ${found}; this version reads ${version}`,
      { operation: 'journal.open', details: { path: file } },
    );
  }
  database.exec(schema);
  database.exec(`PRAGMA user_version = ${version}`);
}
