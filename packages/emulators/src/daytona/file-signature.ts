import { createHmac } from 'node:crypto';
import { sameText } from '../chassis/same-text.ts';

/** Whether a link to a file was made with that sandbox's key and still holds. `expires` 0 is for ever. */
export function fileSignatureHolds(
  signingKey: string,
  method: string,
  query: URLSearchParams,
  now: number,
): boolean {
  const [path, expires, signature] = ['path', 'expires', 'signature'].map(
    (name) => query.get(name) ?? '',
  );
  if (!path || !expires || !signature) return false;
  const text = `v1:files:${method}:${path}:${expires}`;
  const expected = `v1_${createHmac('sha256', signingKey).update(text).digest('base64url')}`;
  const alive = Number(expires) === 0 || Number(expires) * 1000 > now;
  return sameText(expected, signature) && alive;
}
