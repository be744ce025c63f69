import { SandboxError } from '@gantry/core/driver';
import type { Daytona, DaytonaConfig } from '@daytonaio/sdk';

export type { Daytona, PtyHandle, Resources, Sandbox } from '@daytonaio/sdk';

/**
 * A client of the vendor's SDK, which is loaded only now: it brings much along. Rejects with `failed-precondition` where
 * it is not installed.
 */
export async function newClient(config: DaytonaConfig): Promise<Daytona> {
  const sdk = await import('@daytonaio/sdk').catch((cause: unknown) => {
    const message = `the SDK of Daytona cannot be loaded; npm install @daytonaio/sdk@~0.218.0 (${String(cause)})`;
    throw new SandboxError('failed-precondition', message, { cause });
  });
  return new sdk.Daytona(config);
}
