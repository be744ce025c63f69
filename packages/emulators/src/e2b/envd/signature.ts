import { createHash, timingSafeEqual } from 'node:crypto';

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
  const [expected, given] = [Buffer.from(`v1_${hash}`), Buffer.from(signature)];
  const same = expected.length === given.length && timingSafeEqual(expected, given);
  return same && (expiration === undefined || Number(expiration) * 1000 > now);
}
