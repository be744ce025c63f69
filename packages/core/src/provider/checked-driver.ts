import type { SandboxDriver } from '../contract/sandbox-driver.ts';
import { SandboxError } from '../errors/sandbox-error.ts';

const required = ['create', 'inspect', 'connect', 'spawn', 'release', 'destroy'] as const;

/** Throws `invalid-argument` when a value is plainly no driver: providers are loaded from anywhere. */
export function checkDriver(driver: SandboxDriver): void {
  const refuse = (what: string): never => {
    throw new SandboxError('invalid-argument', `defineProvider: ${what}`, {
      operation: 'defineProvider',
    });
  };
  if (driver.spec !== 'gantry-driver/1') {
    refuse(`spec is ${JSON.stringify(driver.spec)}; this core speaks "gantry-driver/1"`);
  }
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(driver.id)) {
    refuse(`id ${JSON.stringify(driver.id)} must match [a-z][a-z0-9-]*`);
  }
  for (const name of required) {
    if (typeof driver[name] !== 'function') refuse(`driver ${driver.id} has no ${name}()`);
  }
  // Wrappers copy a driver and its capabilities by their own properties; methods of a class would be lost.
  const parts: readonly [string, unknown][] = [
    [`driver ${driver.id}`, driver],
    ...Object.entries(driver),
  ];
  for (const [name, part] of parts) {
    if (typeof part !== 'object' || part === null) continue;
    const prototype: unknown = Object.getPrototypeOf(part);
    if (prototype !== Object.prototype && prototype !== null) {
      refuse(`${name} must be a plain object, not an instance of a class`);
    }
  }
  if (typeof driver.traits !== 'object') refuse(`driver ${driver.id} declares no traits`);
}
