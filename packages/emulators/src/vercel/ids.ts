import { randomBytes } from 'node:crypto';

/** An id as the vendor's are, of a session, a command, a snapshot or a drive. */
export function newId(kind: 'sbx' | 'cmd' | 'snap' | 'drv'): string {
  return `${kind}_${randomBytes(14).toString('hex')}`;
}

/** A secret of its own for each purpose. */
export function newToken(): string {
  return randomBytes(20).toString('hex');
}
