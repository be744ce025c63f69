import type { Capabilities } from '../contract/capabilities.ts';
import type { DriverHandle, SandboxDriver } from '../contract/sandbox-driver.ts';
import { parseRef } from '../contract/sandbox-ref.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { narrowCapabilities } from '../provider/capabilities.ts';
import { type Session, workspacePath } from '../provider/session.ts';

/** Checks what a driver handed back and makes it the session that core's parts share. */
export function openSession(
  driver: SandboxDriver,
  declared: Capabilities,
  handle: DriverHandle,
): Session {
  const breach = (what: string): SandboxError =>
    new SandboxError('internal', `provider ${driver.id} breaks its contract: ${what}`, {
      provider: driver.id,
    });
  if (typeof handle !== 'object' || handle === null) throw breach('it returned no handle');
  const ref = parseRef(handle.ref);
  if (ref.provider !== driver.id) throw breach(`its ref names provider ${ref.provider}`);
  const workspace = handle.workspace ?? workspacePath;
  if (workspace !== workspacePath && declared.traits.isolation !== 'none') {
    throw breach(`the workspace is at ${workspace} instead of ${workspacePath}`);
  }
  const capabilities = narrowCapabilities(declared, handle.narrowed, driver.id);
  return { driver, handle, capabilities, workspace };
}
