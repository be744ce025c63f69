import { readFileSync } from 'node:fs';
import { property } from './property.ts';

/** What gantry reads of a `package.json`. */
export interface PackageFacts {
  readonly version: string;
  readonly exports: unknown;
}

/** Reads a `package.json`; a version that is not text reads as `unknown`. */
export function readPackage(file: string | URL): PackageFacts {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const version = property(value, 'version');
  return {
    version: typeof version === 'string' ? version : 'unknown',
    exports: property(value, 'exports'),
  };
}
