import type { DriverWrapper } from '../contract/sandbox-driver.ts';
import { forwardDriver } from './forward-driver.ts';

/** How often each operation of a driver was called: `spawn`, `archive.put`, … */
export interface CallCounts {
  readonly byOperation: ReadonlyMap<string, number>;
  total(): number;
  reset(): void;
}

/** A wrapper that counts calls, and the counts, which go on counting. */
export function counting(): { readonly wrapper: DriverWrapper; readonly counts: CallCounts } {
  const byOperation = new Map<string, number>();
  return {
    wrapper: (driver) =>
      forwardDriver(driver, ({ operation, proceed }) => {
        byOperation.set(operation, (byOperation.get(operation) ?? 0) + 1);
        return proceed();
      }),
    counts: {
      byOperation,
      total: () => [...byOperation.values()].reduce((sum, count) => sum + count, 0),
      reset: () => byOperation.clear(),
    },
  };
}
