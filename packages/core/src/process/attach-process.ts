import type { SandboxDriver } from '../contract/sandbox-driver.ts';
import type { AttachOptions, SandboxProcess } from '../contract/sandbox.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { operate } from '../provider/operate.ts';
import { StopSource } from '../provider/stop-source.ts';
import type { Session } from '../provider/session.ts';
import { drainable, guardProcess } from './guarded-process.ts';

type Attach = NonNullable<NonNullable<SandboxDriver['processes']>['attachTo']>;

/** Reaches a process that was started earlier, with its output from the given offsets on. */
export async function attachProcess(
  session: Session,
  attach: Attach,
  id: string,
  options: AttachOptions,
): Promise<SandboxProcess> {
  const context = { provider: session.driver.id, operation: 'attach', ref: session.handle.ref };
  const { stdoutOffset = 0, stderrOffset = 0 } = options;
  for (const [name, value] of Object.entries({ stdoutOffset, stderrOffset })) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw new SandboxError('invalid-argument', `attach: ${name} must be a whole number from 0`);
  }
  const started = await operate(context, options, (call) =>
    attach(session.handle, id, { stdoutOffset, stderrOffset }, call),
  );
  // The time-out was for attaching; a process that ran before this call is not killed by it.
  const guarded = guardProcess(started, new StopSource(context, {}), context, undefined, true);
  return drainable(guarded, session.capabilities.traits.lingering);
}
