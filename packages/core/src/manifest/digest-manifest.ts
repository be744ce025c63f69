import type { Manifest } from '../contract/manifest-types.ts';
import { canonicalDigest } from './canonical-json.ts';

/**
 * The identity of a manifest as it is written: SHA-256 of its canonical JSON, in hexadecimal. The order
 * of keys and the file format do not matter; the contents of local sources are not in it (a plan's
 * digest has those).
 */
export function digestManifest(manifest: Manifest): string {
  return canonicalDigest(manifest);
}
