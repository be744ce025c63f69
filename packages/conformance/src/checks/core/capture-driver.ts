import type { DriverWrapper, SandboxRef } from '@gantry/core/driver';
import type { CreateRequest } from '@gantry/core/driver';

/** What passed between core and a driver's `create`. */
export interface CapturedCreates {
  readonly requests: CreateRequest[];
  readonly refs: SandboxRef[];
  readonly wrapper: DriverWrapper;
}

/** A wrapper that notes every create request and every ref that came of one. */
export function captureCreates(): CapturedCreates {
  const requests: CreateRequest[] = [];
  const refs: SandboxRef[] = [];
  return {
    requests,
    refs,
    wrapper: (driver) => ({
      ...driver,
      async create(request, call) {
        requests.push(request);
        const handle = await driver.create(request, call);
        refs.push(handle.ref);
        return handle;
      },
    }),
  };
}
