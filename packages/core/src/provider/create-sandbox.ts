import type { Call } from '../contract/call.ts';
import type { Capabilities } from '../contract/capabilities.ts';
import type { CreateOptions } from '../contract/provider.ts';
import type { CreateRequest, DriverHandle, SandboxDriver } from '../contract/sandbox-driver.ts';
import type { SandboxOrigin } from '../contract/snapshot-types.ts';
import type { SandboxError } from '../errors/sandbox-error.ts';
import { toSandboxError } from '../errors/to-sandbox-error.ts';
import { materialize } from '../manifest/materialize.ts';
import { LiveSandbox } from '../sandbox/live-sandbox.ts';
import { openSession } from '../sandbox/open-session.ts';
import { workspaceTarget } from '../sandbox/session-target.ts';
import { prepareManifest } from './prepare-manifest.ts';
import { createRequest } from './create-request.ts';
import { operate } from './operate.ts';

/** How long the removal of a sandbox that could not be completed may take. */
const undoMs = 30_000;

/**
 * Makes a sandbox and puts the manifest's contents into it. Whatever fails after the driver's own
 * `create` destroys the sandbox before the error is thrown.
 */
export async function createSandbox(
  driver: SandboxDriver,
  capabilities: Capabilities,
  options: CreateOptions,
  operation: string,
  origin: SandboxOrigin,
  create: (request: CreateRequest, call: Call) => Promise<DriverHandle>,
): Promise<LiveSandbox> {
  const context = { provider: driver.id, operation };
  const work = async (call: Call): Promise<LiveSandbox> => {
    const prepared =
      options.manifest &&
      (await prepareManifest(driver.id, capabilities, options.manifest, options, call));
    const { manifest, mounts = [] } = prepared?.resolved ?? {};
    const request = createRequest(capabilities, manifest, mounts, options);
    const handle = await create(request, call);
    try {
      call.signal.throwIfAborted();
      const session = openSession(driver, capabilities, handle);
      const receipt =
        prepared &&
        (await materialize(prepared.resolved, prepared.plan, workspaceTarget(session), call));
      return new LiveSandbox(session, origin, receipt, manifest);
    } catch (error) {
      throw await undone(driver, handle, toSandboxError(error, { ...context, ref: handle.ref }));
    }
  };
  return operate(context, options, work, (late) => late.destroy());
}

/** Destroys what could not be completed; returns the error to throw, which says if that failed too. */
async function undone(
  driver: SandboxDriver,
  handle: DriverHandle,
  error: SandboxError,
): Promise<SandboxError> {
  const context = { provider: driver.id, operation: 'destroy', ref: handle.ref };
  const destroy = async (call: Call): Promise<void> => {
    await driver.release(handle);
    await driver.destroy(handle.ref, call);
  };
  try {
    await operate(context, { timeoutMs: undoMs }, destroy);
    return error;
  } catch (second) {
    return error.with({ details: { ...error.details, notDestroyed: String(second) } });
  }
}
