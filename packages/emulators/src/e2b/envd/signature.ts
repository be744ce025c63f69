import { createHash } from 'node:crypto';
import { sameText } from '../../chassis/same-text.ts';

/** Whether a link to a file was made with that sandbox's token and still holds. */
export function signatureHolds(
  token: string,
  query: Readonly<Record<string, string>>,
  operation: 'read' | 'write',
  now: number,
): boolean {
  const { path = '', username = '', signature = '', signature_expiration: expiration } = query;
  const end = expiration === undefined ? '' : `:${expiration}`;
  const text = `${path}:${operation}:${username}:${token}${end}`;
  const hash = createHash('sha256').update(text).digest('base64').replace(/=+$/, '');
  const same = sameText(`v1_${hash}`, signature);
  return same && (expiration === undefined || Number(expiration) * 1000 > now);
}
