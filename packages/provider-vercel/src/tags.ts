import type { SandboxStatus } from '@gantry/core/driver';

/** Holds when a sandbox ends for good, in milliseconds since the Unix epoch: the vendor's own time limit is of one session. */
const endTag = 'gantry-ends-at';
/** Holds all labels where there are more than there can be tags. */
const labelsTag = 'gantry-labels';
/** The vendor takes five tags, one of which is the end. */
const mostLabels = 4;

/** Labels as the vendor's tags, and when the sandbox ends. */
export function toTags(
  labels: Readonly<Record<string, string>>,
  endsAt: number,
): Record<string, string> {
  const end = { [endTag]: String(Math.ceil(endsAt)) };
  if (Object.keys(labels).length <= mostLabels) return { ...labels, ...end };
  return { [labelsTag]: JSON.stringify(labels), ...end };
}

/** The labels that were given at create. */
export function toLabels(tags: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { [endTag]: _end, [labelsTag]: packed, ...labels } = tags;
  if (packed === undefined) return labels;
  const value: unknown = JSON.parse(packed);
  return Object.fromEntries(
    Object.entries(value ?? {}).map(([name, text]) => [name, String(text)]),
  );
}

/** When a sandbox ends for good; `undefined` for one that Gantry did not make. */
export function endOf(tags: Readonly<Record<string, string>> = {}): number | undefined {
  const end = Number(tags[endTag] ?? Number.NaN);
  return Number.isNaN(end) ? undefined : end;
}

/** What of a sandbox tells where it is in its life. */
export interface LifeFacts {
  readonly status: string;
  readonly persistent: boolean;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly expiresAt?: number | undefined;
}

/**
 * Where a sandbox that the vendor knows is in its life. One that was stopped keeps its disk where it is persistent. Once its end
 * has come it is `stopped` for good: the vendor keeps its name until it is destroyed.
 */
export function statusOf({ status, persistent, tags, expiresAt }: LifeFacts): SandboxStatus {
  const end = endOf(tags);
  const expires = end ?? expiresAt;
  const life = expires === undefined ? {} : { expiresAt: expires };
  if (status === 'running' || status === 'pending') return { state: 'running', ...life };
  const failed = status === 'failed' || status === 'aborted';
  return failed || isOver({ status, tags }) || !persistent
    ? { state: 'stopped' }
    : { state: 'suspended', ...life };
}

/** What a session that runs nothing any more is. */
const atRest: ReadonlySet<string> = new Set(['stopped', 'failed', 'aborted']);

/** Whether a sandbox has come to its end: nothing runs in it, and it is never woken again. */
export function isOver({ status, tags }: Pick<LifeFacts, 'status' | 'tags'>): boolean {
  const end = endOf(tags);
  return atRest.has(status) && end !== undefined && end <= Date.now();
}
