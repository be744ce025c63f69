import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SandboxError } from '@gantry/core';
import { createHarness, fileSigner, sqliteJournal } from '@gantry/core/harness';
import type { Harness } from '@gantry/core/harness';
import type {
  ChainAnswer,
  TamperAnswer,
  Tampering,
  VerificationView,
} from '../../protocol/provenance.ts';
import { tamper } from './provenance-tamper.ts';
import type { Runs } from '../runs/runs.ts';

/** The whole chain of a run, as it is stored. */
export async function readChain(
  { places }: Pick<Runs, 'places'>,
  run: string,
): Promise<ChainAnswer> {
  const journal = sqliteJournal(places.journal);
  try {
    const heads = await journal.signedHeads(run);
    const signed = new Set(heads.map(({ hash }) => hash));
    const links = [];
    for await (const { sequence, hash, text } of journal.read(run)) {
      links.push({ sequence, hash, text, signed: signed.has(hash) });
    }
    const { publicKey } = await fileSigner(places.signing);
    const keyId = heads.at(-1)?.keyId;
    const first = createHash('sha256').update(`gantry-journal/1\n${run}`).digest('hex');
    return { run, first, links, publicKey, ...(keyId === undefined ? {} : { keyId }) };
  } finally {
    await journal.close();
  }
}

/** Verifies a run's record with the key of this server. */
export async function verify(harness: Harness, run: string): Promise<VerificationView> {
  const started = performance.now();
  const { verdict, events, signedThrough, erased, problems } = await harness.verify(run);
  const milliseconds = Math.round((performance.now() - started) * 10) / 10;
  return { verdict, events, signedThrough, erased, problems, milliseconds };
}

/** Changes a copy of the journal as somebody could who may write its file, and verifies that. */
export async function tamperWithCopy(
  { places }: Pick<Runs, 'places'>,
  run: string,
  how: Tampering,
  sequence: number,
): Promise<TamperAnswer> {
  const copy = await mkdtemp(path.join(tmpdir(), 'gantry-tamper-'));
  try {
    await copyJournal(places.journal, copy, run);
    const database = new DatabaseSync(path.join(copy, 'journal.db'));
    let change;
    try {
      change = tamper(database, run, how, sequence);
    } finally {
      database.close();
    }
    const journal = sqliteJournal(copy);
    try {
      const harness = createHarness({ journal, signer: await fileSigner(places.signing) });
      return { how, sequence, ...change, verification: await verify(harness, run) };
    } finally {
      await journal.close();
    }
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** A consistent copy of a journal that may be written to meanwhile, with the key of one run. */
async function copyJournal(journal: string, copy: string, run: string): Promise<void> {
  const original = new DatabaseSync(path.join(journal, 'journal.db'), { timeout: 30_000 });
  try {
    original.prepare('VACUUM INTO ?').run(path.join(copy, 'journal.db'));
  } finally {
    original.close();
  }
  await mkdir(path.join(copy, 'keys'), { mode: 0o700 });
  try {
    await cp(path.join(journal, 'keys', `${run}.key`), path.join(copy, 'keys', `${run}.key`));
  } catch (error) {
    // Erased: verified without bodies.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

/** Refuses the export of a run that has no record yet. */
export function noRecord(run: string): SandboxError {
  return new SandboxError('not-found', `run ${run} has no record yet; wait until it has begun`, {
    operation: 'provenance',
  });
}
