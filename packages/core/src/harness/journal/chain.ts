import { createHash } from 'node:crypto';
import type { JournalHead } from './journal.ts';

/** The head of a run that has no events: bound to the run, so that no event can be moved to another. */
export function firstHead(run: string): JournalHead {
  return { size: 0, hash: sha256(`gantry-journal/1\n${run}`) };
}

/** The head after one more event. */
export function nextHead(head: JournalHead, text: string): JournalHead {
  return { size: head.size + 1, hash: sha256(`${head.hash}\n${text}`) };
}

/** The SHA-256 digest of text or bytes, in hexadecimal. */
export function sha256(contents: string | Uint8Array): string {
  return createHash('sha256').update(contents).digest('hex');
}
