import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What a request must carry. */
export interface RequestRules {
  readonly port: number;
  readonly token: string;
  /** Origins of pages that may ask, beside the server's own. */
  readonly origins: readonly string[];
}

/** Why a request is turned away. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly message: string;
}

/**
 * Keeps out pages that a browser on this machine shows (by Host, against names that are made to lead here, and by Origin), and
 * other users of this machine (by the token).
 */
export function checkRequest(
  { headers }: IncomingMessage,
  { port, token, origins }: RequestRules,
): Refusal | undefined {
  const own = ['127.0.0.1', 'localhost'].map((name) => `${name}:${port}`);
  if (!own.includes(headers.host ?? '')) {
    return { status: 403, message: 'the Host header is not that of this server' };
  }
  const allowed = [...own.map((host) => `http://${host}`), ...origins];
  if (headers.origin !== undefined && !allowed.includes(headers.origin)) {
    return { status: 403, message: 'the Origin is not allowed' };
  }
  const given = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
  if (!isSame(given, token)) {
    return { status: 401, message: 'send the header Authorization: Bearer TOKEN' };
  }
  return undefined;
}

/** Takes as long whatever is given. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
