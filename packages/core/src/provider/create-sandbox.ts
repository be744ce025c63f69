import type { Call } from '../contract/call.ts';
import type { Capabilities } from '../contract/capabilities.ts';
import type { MaterializeReceipt } from '../contract/manifest-types.ts';
import type { CreateOptions } from '../contract/provider.ts';
import type { CreateRequest } from '../contract/create-request.ts';
import type { DriverHandle, SandboxDriver } from '../contract/sandbox-driver.ts';
import type { SandboxOrigin } from '../contract/snapshot-types.ts';
import type { SandboxError } from '../errors/sandbox-error.ts';
import { toSandboxError } from '../errors/to-sandbox-error.ts';
import { exposedSecrets } from '../manifest/manifest-secrets.ts';
import { materialize } from '../manifest/materialize.ts';
import { LiveSandbox } from '../sandbox/live-sandbox.ts';
import { KnownSecrets } from '../secrets/known-secrets.ts';
import { openSession } from '../sandbox/open-session.ts';
import { workspaceTarget } from '../sandbox/session-target.ts';
import { type PreparedManifest, prepareManifest } from './prepare-manifest.ts';
import type { Session } from './session.ts';
import { createRequest } from './create-request.ts';
import { operate } from './operate.ts';

/** How long the removal of a sandbox that could not be completed may take. */
const undoMs = 30_000;

/** How a new sandbox is made, and what is in it. */
export interface SandboxMaking {
  readonly operation: string;
  /** The driver's part. */
  create(request: CreateRequest, call: Call): Promise<DriverHandle>;
  /** Puts the contents into the workspace. */
  fill(
    session: Session,
    call: Call,
    prepared: PreparedManifest | undefined,
  ): Promise<{ readonly origin: SandboxOrigin; readonly receipt?: MaterializeReceipt }>;
}

/**
 * Makes a sandbox and fills it. Whatever fails after the driver's own `create` destroys the sandbox before the error is
 * thrown.
 */
export async function createSandbox(
  driver: SandboxDriver,
  capabilities: Capabilities,
  options: CreateOptions,
  making: SandboxMaking,
): Promise<LiveSandbox> {
  const { operation } = making;
  const context = { provider: driver.id, operation };
  // What a driver, its vendor or git says of a failure may repeat what it was given.
  const secrets = new KnownSecrets();
  const work = async (given: Call): Promise<LiveSandbox> => {
    if (given.onSecret) secrets.follow(given.onSecret);
    try {
      return await make({ ...given, onSecret: secrets.learn });
    } catch (error) {
      throw secrets.error(error);
    }
  };
  const make = async (call: Call): Promise<LiveSandbox> => {
    const prepared =
      options.manifest &&
      (await prepareManifest(driver.id, capabilities, options.manifest, options, call));
    const { manifest, mounts = [] } = prepared?.resolved ?? {};
    const exposed = await exposedSecrets(manifest, options.secrets, call.onSecret);
    const whole = manifest && { ...manifest, env: { ...manifest.env, ...exposed } };
    const { onSecret } = call;
    const told = { ...options, ...(onSecret ? { onSecret } : {}) };
    const request = createRequest(capabilities, whole, mounts, told);
    const handle = await making.create(request, call);
    try {
      call.signal.throwIfAborted();
      const session = openSession(driver, capabilities, handle);
      const { origin, receipt } = await making.fill(session, call, prepared);
      return new LiveSandbox(session, origin, receipt, manifest);
    } catch (error) {
      throw await undone(driver, handle, toSandboxError(error, { ...context, ref: handle.ref }));
    }
  };
  return operate(context, options, work, (late) => late.destroy());
}

/** Puts a manifest's contents into a new workspace. */
export async function fillFromManifest(
  session: Session,
  call: Call,
  prepared: PreparedManifest | undefined,
): Promise<MaterializeReceipt | undefined> {
  return prepared && materialize(prepared.resolved, prepared.plan, workspaceTarget(session), call);
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
