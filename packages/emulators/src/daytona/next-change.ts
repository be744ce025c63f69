import type { DaytonaSandbox } from './daytona-sandbox.ts';

/** What the clock does to a sandbox next, and when. */
export interface NextChange {
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly change: 'stop' | 'pause' | 'archive' | 'destroy';
}

/** The earliest of what its intervals and its maximum life say, as things are now. */
export function nextChange(sandbox: DaytonaSandbox): NextChange | undefined {
  const { intervals, state, destroyAt, lastActivityAt, stoppedAt = 0 } = sandbox;
  const after = (begin: number, minutes: number): number => begin + minutes * 60_000;
  const plans: NextChange[] = [];
  if (destroyAt !== undefined) plans.push({ time: destroyAt, change: 'destroy' });
  if (state === 'started' && intervals.stop > 0) {
    plans.push({ time: after(lastActivityAt, intervals.stop), change: 'stop' });
  }
  if (state === 'started' && intervals.pause > 0) {
    plans.push({ time: after(lastActivityAt, intervals.pause), change: 'pause' });
  }
  const rests = state === 'stopped' || state === 'archived';
  if (rests && intervals.delete >= 0) {
    plans.push({ time: after(stoppedAt, intervals.delete), change: 'destroy' });
  }
  if (state === 'stopped' && intervals.archive > 0) {
    plans.push({ time: after(stoppedAt, intervals.archive), change: 'archive' });
  }
  return plans.toSorted((a, b) => a.time - b.time)[0];
}
