import type { SandboxDriver } from '../contract/sandbox-driver.ts';
import type { AttachOptions, SandboxProcess } from '../contract/sandbox.ts';
import { operate } from '../provider/operate.ts';
import { StopSource } from '../provider/stop-source.ts';
import type { Session } from '../provider/session.ts';
import { guardProcess } from './guarded-process.ts';

type Attach = NonNullable<NonNullable<SandboxDriver['processes']>['attach']>;

/** Reaches a process that was started earlier, with its output from the given offsets on. */
export async function attachProcess(
  session: Session,
  attach: Attach,
  id: string,
  options: AttachOptions,
): Promise<SandboxProcess> {
  const context = { provider: session.driver.id, operation: 'attach', ref: session.handle.ref };
  const { stdoutOffset = 0, stderrOffset = 0 } = options;
  const started = await operate(context, options, (call) =>
    attach(session.handle, id, { stdoutOffset, stderrOffset }, call),
  );
  // The time-out was for attaching; a process that ran before this call is not killed by it.
  return guardProcess(started, new StopSource(context, {}), context);
}
