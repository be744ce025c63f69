import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { SandboxError } from '@gantry/core';
import type { Tampering } from '../../protocol/provenance.ts';

/** What was written over an event. */
export interface TamperedText {
  readonly before?: string;
  readonly after?: string;
}

/** Does to a copy of a journal's database what somebody with an editor could. Throws `not-found` for an event that is not there. */
export function tamper(
  database: DatabaseSync,
  run: string,
  how: Tampering,
  sequence: number,
): TamperedText {
  const before = textAt(database, run, sequence);
  switch (how) {
    case 'edit':
    case 'forge': {
      const after = edited(before);
      setText(database, run, sequence, after);
      if (how === 'forge') chainAnew(database, run);
      return { before, after };
    }
    case 'remove':
      database.prepare('DELETE FROM events WHERE run = ? AND sequence = ?').run(run, sequence);
      return { before };
    case 'swap': {
      const other = textAt(database, run, sequence + 1);
      setText(database, run, sequence, other);
      setText(database, run, sequence + 1, before);
      return { before, after: other };
    }
    case 'truncate': {
      database.prepare('DELETE FROM events WHERE run = ? AND sequence > ?').run(run, sequence);
      database.prepare('DELETE FROM heads WHERE run = ? AND size > ?').run(run, sequence);
      chainAnew(database, run);
      return {};
    }
    default:
      return how satisfies never;
  }
}

/** The event with another time of day: a second earlier than it was. */
function edited(text: string): string {
  return text.replace(/"time":(\d+)/, (_all, time: string) => `"time":${Number(time) - 1_000}`);
}

/** Makes every hash fit again, as a forger would who has the file and not the key. */
function chainAnew(database: DatabaseSync, run: string): void {
  const rows = database
    .prepare('SELECT sequence, text FROM events WHERE run = ? ORDER BY sequence')
    .all(run);
  let hash = sha256(`gantry-journal/1\n${run}`);
  let size = 0;
  for (const row of rows) {
    hash = sha256(`${hash}\n${String(row['text'])}`);
    size = Number(row['sequence']);
    database
      .prepare('UPDATE events SET hash = ? WHERE run = ? AND sequence = ?')
      .run(hash, run, size);
  }
  database.prepare('UPDATE runs SET size = ?, hash = ? WHERE run = ?').run(size, hash, run);
}

function textAt(database: DatabaseSync, run: string, sequence: number): string {
  const row = database
    .prepare('SELECT text FROM events WHERE run = ? AND sequence = ?')
    .get(run, sequence);
  if (row) return String(row['text']);
  throw new SandboxError('not-found', `run ${run} has no event ${sequence}`, {
    operation: 'provenance.tamper',
  });
}

function setText(database: DatabaseSync, run: string, sequence: number, text: string): void {
  database
    .prepare('UPDATE events SET text = ? WHERE run = ? AND sequence = ?')
    .run(text, run, sequence);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
