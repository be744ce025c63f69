import type { IncomingHttpHeaders } from 'node:http';

/** What a request lets itself in with at a private port. */
export const tokenHeader = 'x-daytona-preview-token';
export const tokenQuery = 'DAYTONA_SANDBOX_AUTH_KEY';
export const tokenCookie: RegExp = /(?:^|;\s*)(daytona-sandbox-auth-[^=]*)=([^;]*)/;

/** What of a request a router reads and changes, of HTTP/1 and HTTP/2. */
interface Admitted {
  url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: string[];
}

/** Takes out what let a request in: the server in the sandbox is the guest's, and must not get a key or token. */
export function dropSecrets(request: Admitted, isKey: (text: string) => boolean): void {
  const cookies = (text: string): string =>
    text
      .split(/;\s*/)
      .filter((cookie) => !tokenCookie.test(cookie))
      .join('; ');
  const kept = (name: string, value: string): string | undefined => {
    if (name === tokenHeader) return undefined;
    if (name === 'authorization' && isKey(value.replace(/^Bearer /, ''))) return undefined;
    return name === 'cookie' ? cookies(value) || undefined : value;
  };
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value !== 'string') continue;
    const left = kept(name, value);
    if (left === undefined) delete request.headers[name];
    else request.headers[name] = left;
  }
  const raw = request.rawHeaders;
  const pairs = raw.flatMap((name, index) => {
    if (index % 2 === 1) return [];
    const left = kept(name.toLowerCase(), raw[index + 1] ?? '');
    return left === undefined ? [] : [name, left];
  });
  raw.splice(0, raw.length, ...pairs);
  const [path = '/', query] = (request.url ?? '/').split(/\?([^]*)/, 2);
  if (query === undefined) return;
  const rest = query.split('&').filter((pair) => !pair.startsWith(`${tokenQuery}=`));
  request.url = rest.length > 0 ? `${path}?${rest.join('&')}` : path;
}
