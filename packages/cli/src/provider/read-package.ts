import { readFileSync } from 'node:fs';
import { property } from './property.ts';

/** What gantry reads of a `package.json`. */
export interface PackageFacts {
  readonly version: string;
  readonly exports: unknown;
  /** By how much limits of time are multiplied where a provider's are longer: `gantry.conformance.timeoutScale`. */
  readonly timeoutScale: number | undefined;
}

/** Reads a `package.json`; a version that is not text reads as `unknown`. */
export function readPackage(file: string | URL): PackageFacts {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const version = property(value, 'version');
  const scale = property(property(property(value, 'gantry'), 'conformance'), 'timeoutScale');
  return {
    version: typeof version === 'string' ? version : 'unknown',
    exports: property(value, 'exports'),
    timeoutScale: typeof scale === 'number' && scale > 0 ? scale : undefined,
  };
}
