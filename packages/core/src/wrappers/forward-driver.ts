import type { SandboxDriver } from '../contract/sandbox-driver.ts';

/** One call of a driver's function, as a wrapper sees it. */
export interface DriverCall {
  /** `spawn`, or `archive.put` for a function of a capability. */
  readonly operation: string;
  readonly args: readonly unknown[];
  /** Calls the wrapped driver. */
  readonly proceed: () => unknown;
}

/**
 * A driver whose every function goes through `around`. What it returns is what the caller gets, so a
 * wrapper may delay, replace or fail a call. Traits and limits are untouched.
 */
export function forwardDriver(
  driver: SandboxDriver,
  around: (call: DriverCall) => unknown,
): SandboxDriver {
  return wrapFunctions(driver, '', around);
}

function wrapFunctions<Target extends object>(
  target: Target,
  prefix: string,
  around: (call: DriverCall) => unknown,
): Target {
  const wrapped = Object.entries(target).map(([name, value]: [string, unknown]) => {
    const operation = prefix + name;
    if (typeof value === 'function') {
      const replacement = (...args: unknown[]): unknown =>
        around({ operation, args, proceed: () => Reflect.apply(value, target, args) as unknown });
      return [name, replacement] as const;
    }
    const isCapability = prefix === '' && name !== 'traits' && typeof value === 'object' && value;
    return [name, isCapability ? wrapFunctions(value, `${operation}.`, around) : value] as const;
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same names with the same kinds of values
  return Object.fromEntries(wrapped) as unknown as Target;
}
