import { SandboxError } from '../../errors/sandbox-error.ts';

/** A value that survives JSON unchanged. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

const eventTypes = [
  'run.created',
  'run.claimed',
  'run.suspended',
  'run.finished',
  'run.failed',
  'run.erased',
  'sandbox.creating',
  'sandbox.created',
  'sandbox.attached',
  'sandbox.destroyed',
  'step.started',
  'step.recorded',
  'step.failed',
  'checkpoint',
  'rollback',
  'merge',
  'decision',
  'command',
  'file.change',
  'tool.call',
  'egress',
  'artifact',
  'branch.started',
  'branch.begun',
  'branch.recorded',
  'branch.failed',
  'policy.asked',
  'policy.answered',
  'policy.denied',
] as const;

/** What can happen in a run. */
export type RunEventType = (typeof eventTypes)[number];

/** What an event says of itself; the rest is added when it is written. */
export interface EventFacts {
  readonly type: RunEventType;
  /** Who caused it, where it was not the harness itself. */
  readonly actor?: string;
  /** Which branch, as `STEP/INDEX`; absent for the run itself. */
  readonly scope?: string;
  readonly step?: string;
  /** The place of the step in its scope, from 0. */
  readonly ordinal?: number;
  /** From 1. */
  readonly attempt?: number;
  /** `PROVIDER/ID`. */
  readonly sandbox?: string;
  readonly manifest?: string;
  /** Digest of the workspace's contents before and after, where known. */
  readonly before?: string;
  readonly after?: string;
  readonly snapshot?: string;
  /** Keyed digests of what went in and what came out. */
  readonly inputs?: string;
  readonly outputs?: string;
  /** Small facts in plain text: they stay when the run is erased. */
  readonly facts?: Readonly<Record<string, Json>>;
}

/** One thing that happened in a run. Its body, where it has one, is stored apart. */
export interface RunEvent extends EventFacts {
  readonly spec: 'gantry-event/1';
  readonly run: string;
  readonly sequence: number;
  /** Milliseconds since the Unix epoch, by the writer's clock. */
  readonly time: number;
  readonly epoch: number;
  readonly actor: string;
  /** SHA-256 and length of the encrypted body. */
  readonly body?: { readonly sha256: string; readonly bytes: number };
}

/** How long a text in an event may be: what is longer belongs in its body. */
const longestText = 1000;

/** One of an event's small facts as text; `otherwise` where it has none. */
export function textFact({ facts }: EventFacts, name: string, otherwise: string): string {
  const fact = facts?.[name];
  return typeof fact === 'string' ? fact : otherwise;
}

type Kind = 'text' | 'count' | 'number' | 'digest' | 'type' | 'facts' | 'body' | 'spec';

/** Every field of an event. By hand and not by a schema: a long run has many events, and is read before it goes on. */
const fields: Readonly<Record<keyof RunEvent, { readonly kind: Kind; readonly required?: true }>> =
  {
    spec: { kind: 'spec', required: true },
    run: { kind: 'text', required: true },
    sequence: { kind: 'count', required: true },
    time: { kind: 'number', required: true },
    epoch: { kind: 'count', required: true },
    actor: { kind: 'text', required: true },
    type: { kind: 'type', required: true },
    scope: { kind: 'text' },
    step: { kind: 'text' },
    ordinal: { kind: 'count' },
    attempt: { kind: 'count' },
    sandbox: { kind: 'text' },
    manifest: { kind: 'text' },
    before: { kind: 'text' },
    after: { kind: 'text' },
    snapshot: { kind: 'text' },
    inputs: { kind: 'digest' },
    outputs: { kind: 'digest' },
    facts: { kind: 'facts' },
    body: { kind: 'body' },
  };

const required = Object.entries(fields).flatMap(([name, field]) => (field.required ? [name] : []));
const known = new Map(Object.entries(fields));
const knownTypes: ReadonlySet<unknown> = new Set(eventTypes);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isDigest = (value: unknown): boolean =>
  typeof value === 'string' && value.length === 64 && /^[0-9a-f]+$/.test(value);
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const fits: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  spec: (value) => value === 'gantry-event/1',
  text: (value) => typeof value === 'string' && value.length <= longestText,
  count: isCount,
  number: (value) => typeof value === 'number',
  digest: isDigest,
  type: (value) => knownTypes.has(value),
  facts: isObject,
  body: (value) =>
    isObject(value) &&
    'sha256' in value &&
    isDigest(value.sha256) &&
    'bytes' in value &&
    isCount(value.bytes),
};

/** What is wrong with a value that is to be an event; `undefined` for an event. */
export function eventProblem(value: unknown): string | undefined {
  if (!isObject(value)) return 'it is no object';
  const missing = required.find((name) => !(name in value));
  if (missing !== undefined) return `it has no ${missing}`;
  for (const [name, member] of Object.entries(value)) {
    const field = known.get(name);
    if (!field) return `it has an unknown ${JSON.stringify(name)}`;
    if (!fits[field.kind](member)) return `its ${name} is ${JSON.stringify(member)}`;
  }
  return undefined;
}

/** Checks the stored text of an event. Rejects with `data-loss` what is none of this run's at this place. */
export function parseEvent(stored: string, run: string, sequence: number): RunEvent {
  const fail = (what: string, cause?: unknown): SandboxError =>
    new SandboxError('data-loss', `event ${sequence} of run ${run} ${what}`, {
      operation: 'journal.read',
      details: { run, sequence },
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(stored);
  } catch (cause) {
    throw fail('is not JSON', cause);
  }
  const problem = eventProblem(value);
  if (problem !== undefined) throw fail(`is no event: ${problem}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every field of it was checked
  const event = value as RunEvent;
  if (event.run !== run || event.sequence !== sequence) {
    throw fail(`says that it is event ${event.sequence} of run ${event.run}`);
  }
  return event;
}
