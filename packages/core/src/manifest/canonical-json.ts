import { createHash } from 'node:crypto';

/**
 * The one JSON text of a value (RFC 8785): keys sorted by UTF-16 code units, no white space, numbers as
 * ECMAScript writes them. Keys whose value is `undefined` are left out. Throws a `TypeError` for what
 * JSON cannot hold: non-finite numbers, half surrogates, functions and the like.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`${value} has no canonical JSON`);
  }
  if (value === null || typeof value === 'boolean' || typeof value === 'number') {
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, member]) => `${quote(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  throw new TypeError(`a ${typeof value} has no canonical JSON`);
}

/** The SHA-256 digest of a value's canonical JSON, in hexadecimal. */
export function canonicalDigest(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

function quote(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('half of a surrogate pair has no canonical JSON');
  return JSON.stringify(text);
}
