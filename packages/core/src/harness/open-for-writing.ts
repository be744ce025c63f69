import { SandboxError } from '../errors/sandbox-error.ts';
import { BodyCipher } from './journal/body-cipher.ts';
import type { Claim } from './journal/journal.ts';
import { RunLog } from './journal/run-log.ts';
import { isOwnerGone } from './lease/owner.ts';
import { KnownSecrets } from '../secrets/known-secrets.ts';
import { readState } from './run/read-run.ts';
import type { RunState } from './run/run-state.ts';
import type { HarnessOptions } from './harness-options.ts';

/** What is needed to write to a run. */
export interface WritableRun {
  readonly claim: Claim;
  readonly cipher: BodyCipher;
  readonly log: RunLog;
  readonly state: RunState;
}

/** Claims a run, from a process that is surely gone at once, and reads where it is. */
export async function openForWriting(
  options: HarnessOptions,
  run: string,
  owner: string,
  claimMs: number,
): Promise<WritableRun> {
  const { journal, secrets = {}, signer, actor = 'harness', onEvent } = options;
  const found = await journal.find(run);
  if (!found) throw noSuchRun(run);
  const over = found.claim && isOwnerGone(found.claim.owner) ? { over: found.claim.epoch } : {};
  const claim = await journal.claim(run, { owner, ttlMs: claimMs, ...over });
  try {
    const key = await journal.key(run);
    if (!key) {
      const message = `run ${run} was erased; there is nothing to go on with`;
      throw new SandboxError('failed-precondition', message, { operation: 'harness.resume' });
    }
    const cipher = new BodyCipher(key);
    // The head is read after the claim: nobody else can move it any more.
    const { state, head } = await readState(journal, run);
    const log = new RunLog({
      journal,
      run,
      epoch: claim.epoch,
      head,
      cipher,
      secrets: new KnownSecrets(secrets),
      actor,
      now: Date.now,
      ...(signer ? { signer } : {}),
      ...(onEvent ? { onWritten: onEvent } : {}),
    });
    return { claim, cipher, log, state };
  } catch (error) {
    await journal.unclaim(run, claim.epoch);
    throw error;
  }
}

/** The error of a run that is not there. */
export function noSuchRun(run: string): SandboxError {
  return new SandboxError('not-found', `there is no run ${run} in this journal; list them`, {
    operation: 'harness',
    details: { run },
  });
}
