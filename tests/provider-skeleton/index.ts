import { defineProvider, type Provider } from '@gantry/core/driver';
import { skeletonDriver } from './driver.ts';

/** Sandboxes of skeleton. */
export function skeleton(): Provider {
  return defineProvider(skeletonDriver());
}

export { skeleton as default };
