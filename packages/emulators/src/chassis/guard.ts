import type { WireRequest } from './listener.ts';

/** The name that a request calls this server by, in lower case, with its port. */
export function hostOf(request: WireRequest): string {
  const authority = request.headers[':authority'] ?? request.headers.host ?? '';
  return String(authority).toLowerCase();
}

/**
 * Why a request must not be answered, or `undefined`. An emulator runs code for whoever reaches it, so a
 * web page must not: neither from another origin, nor by a name of its own that points to this machine.
 */
export function refusedBy(request: WireRequest, port: number): string | undefined {
  const host = hostOf(request);
  const [, name = '', givenPort = ''] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
  const local = name === '127.0.0.1' || name === 'localhost' || name.endsWith('.localhost');
  if (!local || Number(givenPort) !== port) {
    return `host ${JSON.stringify(host)} is not this emulator's; use 127.0.0.1:${port}`;
  }
  const { origin } = request.headers;
  if (origin === undefined || /^https?:\/\/(.*)$/.exec(origin)?.[1] === host) return undefined;
  return `origin ${JSON.stringify(origin)} may not use this emulator`;
}
