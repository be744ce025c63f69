import { createHash } from 'node:crypto';
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { type JournalEntry, type JournalHead, sqliteJournal } from '@gantry/core/harness';

/** How long each of three ways to put something on disk took, in milliseconds each. */
export interface CommitTimes {
  /** 4 KiB appended to a file and synced: what no journal can be quicker than. */
  readonly sync: readonly number[];
  /** One event with a body, on disk. */
  readonly commit: readonly number[];
  /** One of 64 events that are written together. */
  readonly grouped: readonly number[];
}

const groupOf = 64;

/** Measures them in turns in a directory. */
export async function journalCommits(directory: string, rounds: number): Promise<CommitTimes> {
  const journal = sqliteJournal(path.join(directory, 'commits'));
  await journal.create({ run: 'bench', name: 'bench', key: new Uint8Array(32) });
  const { epoch } = await journal.claim('bench', { owner: 'bench', ttlMs: 3_600_000 });
  let head = (await journal.find('bench'))?.head ?? { size: 0, hash: '' };
  const append = async (count: number): Promise<number> => {
    const entries = entriesAfter(head, count);
    const began = performance.now();
    await journal.append('bench', epoch, head, entries);
    const took = performance.now() - began;
    const last = entries.at(-1);
    if (last) head = { size: last.sequence, hash: last.hash };
    return took / count;
  };
  const times = { sync: [] as number[], commit: [] as number[], grouped: [] as number[] };
  const file = openSync(path.join(directory, 'plain'), 'a');
  const block = Buffer.alloc(4096, 1);
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    times.sync.push(performance.now() - began);
    times.commit.push(await append(1));
    times.grouped.push(await append(groupOf));
  }
  closeSync(file);
  await journal.close();
  return times;
}

/** Events as a run writes them: about 300 bytes, with a body of 200. */
function entriesAfter({ size, hash }: JournalHead, count: number): readonly JournalEntry[] {
  return Array.from({ length: count }, (_, index) => {
    const sequence = size + index + 1;
    const text = JSON.stringify({ sequence, type: 'command', filler: 'x'.repeat(260) });
    const next = createHash('sha256').update(`${hash}${text}`).digest('hex');
    return { sequence, text, hash: next, body: new Uint8Array(200) };
  });
}
