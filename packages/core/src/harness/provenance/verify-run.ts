import { sha256, firstHead, nextHead } from '../journal/chain.ts';
import type { Journal, JournalEntry, JournalHead, SignedHead } from '../journal/journal.ts';
import { parseEvent } from '../journal/run-event.ts';
import { SandboxError } from '../../errors/sandbox-error.ts';
import { isSignedBy } from './head-signer.ts';

/** What a run is verified against. */
export interface VerifyOptions {
  /** Ed25519, PEM. Without it the verdict is at best `unanchored`: whoever can write the journal can make the chain anew. */
  readonly publicKey?: string;
  /** A signed head that was kept outside the journal: one that the journal does not reach proves a truncation. */
  readonly anchor?: SignedHead;
}

/** One thing that is wrong, and where. */
export interface VerifyProblem {
  readonly kind: 'edited' | 'missing' | 'reordered' | 'truncated' | 'body' | 'signature';
  /** The event, from 1. */
  readonly sequence: number;
  readonly message: string;
}

/** What verifying a run found. */
export interface Verification {
  readonly run: string;
  /** `unanchored`: the chain holds, and nothing outside the journal vouches for it. */
  readonly verdict: 'verified' | 'unanchored' | 'broken';
  readonly events: number;
  /** The last event that a good signature covers; 0 for none. Later ones are chained but not vouched for yet. */
  readonly signedThrough: number;
  /** Whether the run's bodies were erased; the chain is verified without them. */
  readonly erased: boolean;
  readonly problems: readonly VerifyProblem[];
}

/** Reads a whole run and says whether it is what was written: no event edited, left out, moved or cut off, and no body changed. */
export async function verifyRun(
  journal: Journal,
  run: string,
  { publicKey, anchor }: VerifyOptions = {},
): Promise<Verification> {
  const found = await journal.find(run);
  if (!found) {
    throw new SandboxError('not-found', `there is no run ${run} in this journal`, {
      operation: 'provenance.verify',
    });
  }
  const erased = (await journal.key(run)) === undefined;
  // Heads before events: a run that goes on meanwhile only grows.
  const signedHeads = await journal.signedHeads(run);
  const chain = await walk(journal, run, erased);
  const problems = [
    ...chain.problems,
    ...compareHead(chain.heads, found.head, 'the journal says that the run has'),
    ...(publicKey === undefined ? [] : signatureProblems(signedHeads, run, publicKey)),
    ...signedHeads.flatMap((head) => compareHead(chain.heads, head, 'a signed head covers')),
    ...(anchor === undefined ? [] : anchorProblems(chain.heads, anchor, run, publicKey)),
  ];
  const good =
    publicKey === undefined ? [] : signedHeads.filter((head) => vouches(head, run, publicKey));
  const signedThrough = Math.max(0, ...good.map(({ size }) => size));
  const whole = signedThrough > 0 ? 'verified' : 'unanchored';
  const verdict = problems.length > 0 ? 'broken' : whole;
  return { run, verdict, events: chain.heads.length - 1, signedThrough, erased, problems };
}

interface Walk {
  /** The head after each event, from none on. */
  readonly heads: readonly JournalHead[];
  readonly problems: readonly VerifyProblem[];
}

async function walk(journal: Journal, run: string, erased: boolean): Promise<Walk> {
  const heads = [firstHead(run)];
  const problems: VerifyProblem[] = [];
  const seen = new Set<number>();
  for await (const entry of journal.read(run, { bodies: true })) {
    const head = heads.at(-1) ?? firstHead(run);
    const expected = head.size + 1;
    const { sequence } = entry;
    if (sequence !== expected && problems.length === 0) {
      const kind = seen.has(sequence) ? 'reordered' : 'missing';
      problems.push({
        kind,
        sequence: expected,
        message: `event ${expected} is not there; ${sequence} follows`,
      });
    }
    seen.add(sequence);
    const next = nextHead(head, entry.text);
    if (next.hash !== entry.hash && problems.length === 0) {
      const message = `event ${sequence} does not fit the chain: it, its hash or one before it was changed`;
      problems.push({ kind: 'edited', sequence, message });
    }
    problems.push(...entryProblems(entry, run, erased));
    // From here on the stored hash, so that one change is told once.
    heads.push({ size: sequence, hash: entry.hash });
  }
  return { heads, problems };
}

function entryProblems(
  entry: JournalEntry,
  run: string,
  erased: boolean,
): readonly VerifyProblem[] {
  const { sequence } = entry;
  let event;
  try {
    event = parseEvent(entry.text, run, sequence);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const moved = message.includes('says that it is event');
    return [{ kind: moved ? 'reordered' : 'edited', sequence, message }];
  }
  if (event.body === undefined) {
    const surplus = entry.body !== undefined;
    return surplus
      ? [{ kind: 'body', sequence, message: `event ${sequence} has a body that it does not name` }]
      : [];
  }
  if (entry.body === undefined) {
    return erased
      ? []
      : [{ kind: 'body', sequence, message: `the body of event ${sequence} is missing` }];
  }
  if (sha256(entry.body) === event.body.sha256) return [];
  return [
    { kind: 'body', sequence, message: `the body of event ${sequence} is not what was written` },
  ];
}

function compareHead(
  heads: readonly JournalHead[],
  claimed: JournalHead,
  who: string,
): readonly VerifyProblem[] {
  const { size, hash } = claimed;
  const there = heads.findLast((head) => head.size === size);
  if (!there) {
    const last = heads.at(-1)?.size ?? 0;
    return [
      {
        kind: 'truncated',
        sequence: last + 1,
        message: `${who} ${size} events, and ${last} are there`,
      },
    ];
  }
  if (there.hash === hash) return [];
  return [
    { kind: 'edited', sequence: size, message: `${who} ${size} events with another content` },
  ];
}

function vouches(head: SignedHead, run: string, publicKey: string): boolean {
  return head.run === run && isSignedBy(head, publicKey);
}

function signatureProblems(
  heads: readonly SignedHead[],
  run: string,
  publicKey: string,
): readonly VerifyProblem[] {
  return heads
    .filter((head) => !vouches(head, run, publicKey))
    .map(({ size, keyId }) => ({
      kind: 'signature' as const,
      sequence: size,
      message: `the head of event ${size} is not signed for this run with this key (key ${keyId.slice(0, 12)})`,
    }));
}

function anchorProblems(
  heads: readonly JournalHead[],
  anchor: SignedHead,
  run: string,
  publicKey: string | undefined,
): readonly VerifyProblem[] {
  if (anchor.run !== run || (publicKey !== undefined && !isSignedBy(anchor, publicKey))) {
    const message = 'the head that was kept outside the journal is of another run or key';
    return [{ kind: 'signature', sequence: anchor.size, message }];
  }
  return compareHead(heads, anchor, 'a head that was kept outside the journal covers');
}
