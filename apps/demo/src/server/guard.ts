import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { changeHeader } from '../protocol/errors.ts';

/** Why a request is turned away. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly message: string;
}

/**
 * Lets in only pages that this server itself served, in the browser of whoever has the printed token. By Host: no name that is
 * made to lead here. By Origin and Sec-Fetch-Site: no page of another site or another port. By a cookie of the token: no other
 * user of the machine. By a header that no form can send: no request that a page can make without asking first.
 */
export class Guard {
  /** Random for each start; part of the address that is printed. */
  readonly token: string = randomBytes(24).toString('base64url');
  readonly #session: string = randomBytes(24).toString('base64url');
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /** Cookies are not kept apart by port, so the name says it. */
  get cookieName(): string {
    return `gantry-demo-${this.#port}`;
  }

  /** What keeps the session in the browser: out of reach of scripts, and sent by no page of another site. */
  get cookie(): string {
    return `${this.cookieName}=${this.#session}; HttpOnly; SameSite=Strict; Path=/`;
  }

  isToken(candidate: string): boolean {
    return isSame(candidate, this.token);
  }

  /** Why nobody may ask like this, with or without a session. */
  refuseStranger(headers: IncomingHttpHeaders): Refusal | undefined {
    const own = ['127.0.0.1', 'localhost'].map((name) => `${name}:${this.#port}`);
    const { host = '', origin } = headers;
    if (!own.includes(host)) return refused(403, 'the Host header is not that of this server');
    if (origin !== undefined && origin !== `http://${host}`)
      return refused(403, 'the Origin is not this server');
    return undefined;
  }

  /** Why this request to the API is refused. `changes`: every method but GET and HEAD. */
  refuse(headers: IncomingHttpHeaders, changes: boolean): Refusal | undefined {
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none')
      return refused(403, 'the request comes from a page of another site');
    if (changes && headers.origin === undefined)
      return refused(403, 'a request that changes something must say its Origin');
    if (changes && headers[changeHeader] !== '1')
      return refused(
        403,
        `a request that changes something must carry the header ${changeHeader}: 1`,
      );
    return this.#refuseWithoutSession(headers);
  }

  /** Why this WebSocket is refused: browsers send its Origin always, and no header of the page's. */
  refuseSocket(headers: IncomingHttpHeaders): Refusal | undefined {
    const stranger = this.refuseStranger(headers);
    if (stranger) return stranger;
    if (headers.origin === undefined) return refused(403, 'a WebSocket must say its Origin');
    return this.#refuseWithoutSession(headers);
  }

  hasSession(headers: IncomingHttpHeaders): boolean {
    const cookies = (headers.cookie ?? '').split(/;\s*/).map((cookie) => cookie.split('='));
    return cookies.some(
      ([name, value = '']) => name === this.cookieName && isSame(value, this.#session),
    );
  }

  #refuseWithoutSession(headers: IncomingHttpHeaders): Refusal | undefined {
    if (this.hasSession(headers)) return undefined;
    return refused(401, 'no session: open the address with the token that the server printed');
  }
}

function refused(status: Refusal['status'], message: string): Refusal {
  return { status, message };
}

/** Whether two texts are equal; takes as long whatever is given. */
export function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
