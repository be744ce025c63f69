import type { ChainLink } from '../../../../src/protocol/provenance.ts';

/** What the browser found by hashing every event itself. */
export interface ChainCheck {
  /** How many events were hashed so far. */
  readonly done: number;
  /** The first event whose hash is not that of its text and the hash before. */
  readonly brokenAt?: number;
}

/** Hashes a chain anew, event by event, and tells how far it is. Nobody needs to be believed for that but this browser. */
export async function checkChain(
  first: string,
  links: readonly ChainLink[],
  onProgress: (check: ChainCheck) => void,
): Promise<ChainCheck> {
  let previous = first;
  for (const [index, { text, hash, sequence }] of links.entries()) {
    const bytes = new TextEncoder().encode(`${previous}\n${text}`);
    const digest = hexadecimal(await crypto.subtle.digest('SHA-256', bytes));
    if (digest !== hash) return { done: index, brokenAt: sequence };
    previous = hash;
    if (index % 16 === 0) onProgress({ done: index + 1 });
  }
  return { done: links.length };
}

function hexadecimal(bytes: ArrayBuffer): string {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
