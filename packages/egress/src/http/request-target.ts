import { authorityOf, type Host, readAuthority } from '../policy/host-name.ts';
import { type HeaderList, headerValues } from './header-list.ts';

/** Where a request goes, read once and never again from anything else. */
export interface RequestTarget {
  readonly host: Host;
  readonly port: number;
  /** As it was sent, without the query. */
  readonly path: string;
  /** With the question mark, or empty. */
  readonly query: string;
}

/** A request that is not answered by its host. */
export interface Refusal {
  readonly status: number;
  readonly rule: string;
  readonly message: string;
}

/** What decides where a request goes. */
export interface TargetFacts {
  readonly url: string;
  readonly headers: HeaderList;
  /** The pseudo headers of HTTP/2. */
  readonly authority?: string | undefined;
  readonly saidScheme?: string | undefined;
  /** The scheme in which this connection speaks to the host. */
  readonly scheme: 'http' | 'https';
  /** The only host of this connection, where a tunnel has fixed it. */
  readonly pinned?: { readonly host: Host; readonly port: number };
}

/** Reads where a request goes. Whatever names another host than the rest does is refused with 421. */
export function readTarget(facts: TargetFacts): RequestTarget | Refusal {
  const { url, pinned, scheme, saidScheme = scheme } = facts;
  if (!/^[!-~]+$/.test(url) || url.includes('#'))
    return malformed('the target has characters that no URL has');
  if (saidScheme !== scheme) return malformed(`the scheme of this connection is ${scheme}`);
  const absolute = /^([a-z][a-z0-9+.-]*):\/\/([^/?]*)([^?]*)(.*)$/is.exec(url);
  const defaultPort = scheme === 'https' ? 443 : 80;
  if (absolute !== null && absolute[1]?.toLowerCase() !== scheme)
    return malformed(`the proxy takes ${scheme}: URLs here; use CONNECT for others`);
  if (absolute === null && !url.startsWith('/')) return malformed('the target is no path');
  const named = absolute === null ? undefined : readAuthority(absolute[2] ?? '', defaultPort);
  if (absolute !== null && named === undefined) return malformed('the target names no host');
  if (!framedOnce(facts.headers)) return malformed('the body has no one end');
  const said = saidHost(facts, defaultPort);
  if ('status' in said) return said;
  const target = pinned ?? named;
  if (target === undefined) {
    return malformed('this is a proxy: name the whole URL, as programs do for HTTP_PROXY');
  }
  const one = authorityOf(target.host, target.port);
  for (const other of [named, said]) {
    if (other !== undefined && authorityOf(other.host, other.port) !== one) {
      const message = `the request names another host than ${one}`;
      return { status: 421, rule: 'host-mismatch', message };
    }
  }
  const whole = absolute === null ? url : (absolute[3] ?? '') + (absolute[4] ?? '');
  const mark = whole.indexOf('?');
  const path = (mark < 0 ? whole : whole.slice(0, mark)) || '/';
  return { host: target.host, port: target.port, path, query: mark < 0 ? '' : whole.slice(mark) };
}

function saidHost(
  { headers, authority }: TargetFacts,
  defaultPort: number,
): { readonly host: Host; readonly port: number } | Refusal {
  const hosts = headerValues(headers, 'host');
  const all = authority === undefined ? hosts : [authority, ...hosts];
  if (all.length === 0 || hosts.length > 1) return malformed('the request needs one Host header');
  const read = all.map((text) => readAuthority(text, defaultPort));
  const [first, second] = read;
  if (first === undefined || (all.length > 1 && second === undefined))
    return malformed('the Host header is no host');
  if (
    second !== undefined &&
    authorityOf(second.host, second.port) !== authorityOf(first.host, first.port)
  ) {
    const message = 'the request names two hosts';
    return { status: 421, rule: 'host-mismatch', message };
  }
  return first;
}

/** Whether a body's length is said at most once. The parser refuses most of this, but some only after the head was read. */
function framedOnce(headers: HeaderList): boolean {
  const lengths = headerValues(headers, 'content-length');
  const encodings = headerValues(headers, 'transfer-encoding');
  if (lengths.length + encodings.length > 1) return false;
  return (
    lengths.every((text) => /^\d+$/.test(text)) &&
    encodings.every((text) => text.toLowerCase() === 'chunked')
  );
}

function malformed(message: string): Refusal {
  return { status: 400, rule: 'malformed', message };
}
