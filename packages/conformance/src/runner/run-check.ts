import type { Traits } from '@gantry/core';
import type { Check } from '../check.ts';
import { AssertionFailure, SuiteFault, Untestable } from './assertion-failure.ts';
import { CheckContext } from './check-context.ts';
import { describeError } from './describe-value.ts';
import { redact } from './redact.ts';
import type { CheckReport, Status } from './report.ts';
import type { RunState } from './run-state.ts';
import { within } from './time-limits.ts';

/** Runs one check to its result, cleans up after it, and never rejects. */
export async function runCheck(
  check: Check,
  state: RunState,
  claims: Traits,
  stop: AbortSignal,
): Promise<CheckReport> {
  const begin = performance.now();
  const control = new AbortController();
  const signal = AbortSignal.any([control.signal, stop]);
  const t = new CheckContext(check.id, state, claims, signal);
  const limit = state.limits.check + (check.extraMs ?? 0) * Math.max(1, state.scale);
  const late = (): Error => new AssertionFailure(`the check did not end within ${limit} ms`);
  let status: Status = 'pass';
  let message: string | undefined;
  try {
    if (check.needs?.otherProcess && !state.subject.source) {
      t.untestable(
        'another process cannot load a live provider; give the subject as a module path',
      );
    }
    await within(limit, start(check, t), late);
    if (t.count === 0) throw new SuiteFault('the check asserted nothing');
  } catch (error) {
    status = statusOf(error);
    message = redact(describeError(error));
  } finally {
    t.end();
    control.abort(new Error(`${check.id} has ended`));
    await state.destroyOf(check.id);
  }
  const { id, level, title, spec } = check;
  const ms = Math.round(performance.now() - begin);
  const result = { id, level, title, spec, status, assertions: t.count, ms };
  return message === undefined ? result : { ...result, message };
}

/** A synchronous throw counts as a rejection. */
async function start(check: Check, t: CheckContext): Promise<void> {
  await check.run(t);
}

/** Whatever a provider throws, however it comes about, is the provider's failure. */
function statusOf(error: unknown): Status {
  if (error instanceof Untestable) return 'untestable';
  if (error instanceof SuiteFault) return 'error';
  return 'fail';
}
