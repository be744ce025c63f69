import type { Sandbox } from '@gantry/core';
import { Code, ConnectError } from '@connectrpc/connect';
import { guestUser } from '../e2b-sandbox.ts';

/** The user that a request names in its `Authorization: Basic` header; the template's own without one. */
export function userOf(authorization: string | null | undefined): string {
  const [, encoded = ''] = /^Basic (.*)$/i.exec(authorization ?? '') ?? [];
  return Buffer.from(encoded, 'base64').toString().split(':', 1)[0] || guestUser;
}

/**
 * How a process of that user is asked for. Throws the vendor's error for a user that there is not; one beside
 * the template's own needs a provider that has users.
 */
export function asUser(sandbox: Sandbox, user: string): { readonly user?: string } {
  if (user === guestUser) return {};
  if (sandbox.capabilities.users) return { user };
  throw new ConnectError(`invalid username: '${user}'`, Code.Unauthenticated);
}
