import { defineProvider, type Provider } from '@gantry/core/driver';
import { daytonaDriver } from './driver.ts';
import { checkOptions, type DaytonaOptions } from './options.ts';

export type { DaytonaOptions } from './options.ts';

/** Sandboxes of a Daytona account, reached by the vendor's own SDK. */
export function daytona(options: DaytonaOptions = {}): Provider {
  return defineProvider(daytonaDriver(checkOptions(options)));
}

export { daytona as default };
