import { randomUUID } from 'node:crypto';
import type { ProgressEvent } from '../protocol/events.ts';
import { describeError } from './error-answer.ts';
import type { EventHub } from './event-hub.ts';

/** What a long operation tells while it goes on. */
export type Tell = (progress: Pick<ProgressEvent, 'what' | 'bytes' | 'totalBytes'>) => void;

/** At most so many milliseconds apart: a progress that nobody can read is only noise. */
const apart = 100;

/**
 * Begins work that a request does not wait for, and returns the name under which events tell of it. A failure is told by its
 * event, never thrown.
 */
export function beginOperation(
  events: EventHub,
  what: string,
  work: (tell: Tell) => Promise<Pick<ProgressEvent, 'sandbox' | 'snapshot'>>,
): string {
  const operation = randomUUID();
  let latest: Parameters<Tell>[0] = { what };
  let toldAt = 0;
  const publish = (more: Pick<ProgressEvent, 'state' | 'sandbox' | 'snapshot' | 'error'>): void => {
    events.publish({ type: 'progress', operation, ...latest, ...more });
  };
  const tell: Tell = (progress) => {
    const changed = progress.what !== latest.what;
    latest = progress;
    if (!changed && Date.now() - toldAt < apart) return;
    toldAt = Date.now();
    publish({ state: 'running' });
  };
  publish({ state: 'running' });
  work(tell).then(
    (made) => publish({ state: 'done', ...made }),
    (error: unknown) => publish({ state: 'failed', error: describeError(error) }),
  );
  return operation;
}
