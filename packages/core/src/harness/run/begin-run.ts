import { randomBytes, randomUUID } from 'node:crypto';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { canonicalJson } from '../../manifest/canonical-json.ts';
import type { HarnessOptions } from '../harness-options.ts';
import type { BodyCipher } from '../journal/body-cipher.ts';
import type { Journal } from '../journal/journal.ts';
import type { Json } from '../journal/run-event.ts';
import { openForWriting } from '../open-for-writing.ts';
import { asJson } from './json-value.ts';
import type { RunOptions } from './run-types.ts';

/** Writes a run's first event, unless it is there; returns the run's id. A run of another name or input is refused. */
export async function beginRun(
  options: HarnessOptions,
  owner: string,
  claimMs: number,
  name: string,
  { id = randomUUID(), input = null }: RunOptions,
): Promise<string> {
  const { journal } = options;
  const given = asJson(input, `the input of run ${name}`);
  const found = await journal.find(id);
  if (!found) await journal.create({ run: id, name, key: randomBytes(32) });
  else if (found.name !== name) throw another(id, `it is a ${JSON.stringify(found.name)}`);
  if (found && found.head.size > 0) {
    const key = await journal.key(id);
    if (!key) throw another(id, 'it was erased');
    return id;
  }
  // A crash between creating a run and its first event leaves one without: it begins here.
  const { log, claim } = await openForWriting(options, id, owner, claimMs);
  try {
    await log.commit(
      { type: 'run.created', inputs: log.digest(given), facts: { name } },
      { input: given },
    );
  } finally {
    await journal.unclaim(id, claim.epoch);
  }
  return id;
}

/** What a run was begun with. */
export async function inputOf(journal: Journal, run: string, cipher: BodyCipher): Promise<Json> {
  const entry = await journal.entry(run, 1);
  const body = entry?.body && cipher.open(entry.body, run, 1);
  if (typeof body === 'object' && body !== null && 'input' in body) {
    return asJson(body.input, `the recorded input of run ${run}`);
  }
  throw new SandboxError('data-loss', `the first event of run ${run} has no input`, {
    operation: 'harness.resume',
  });
}

/** Refuses to go on with a run under an input that is not its own. */
export function checkInput(run: string, recorded: Json, given: unknown): void {
  if (given === undefined) return;
  if (canonicalJson(asJson(given, 'the input')) === canonicalJson(recorded)) return;
  throw another(run, 'it was begun with another input');
}

function another(run: string, what: string): SandboxError {
  return new SandboxError(
    'failed-precondition',
    `run ${run} cannot go on so: ${what}; use another id`,
    {
      operation: 'harness.run',
      details: { run },
    },
  );
}
