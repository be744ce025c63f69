import { type Endpoint, SandboxError } from '@gantry/core';
import type { HarnessV1PortEndpoint } from '@ai-sdk/harness';

/** The endpoint by the asked protocol. Throws `unsupported` for `https` where the provider's endpoint has no TLS. */
export function portEndpoint(
  { url, headers }: Endpoint,
  protocol: 'http' | 'https' | 'ws' | undefined,
): HarnessV1PortEndpoint {
  const isSecure = url.startsWith('https:');
  if (protocol === 'https' && !isSecure) {
    throw new SandboxError('unsupported', `the endpoint ${url} has no TLS; ask for http`, {
      operation: 'getPortEndpoint',
    });
  }
  const scheme = protocol === 'ws' ? (isSecure ? 'wss:' : 'ws:') : isSecure ? 'https:' : 'http:';
  return {
    url: url.replace(/^https?:/, scheme),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
  };
}

/** The URL alone. Throws `failed-precondition` where it is no use without headers. */
export function portUrl({ url, headers }: HarnessV1PortEndpoint): string {
  if (headers === undefined) return url;
  throw new SandboxError(
    'failed-precondition',
    'the endpoint needs headers with each request; use getPortEndpoint',
    { operation: 'getPortUrl' },
  );
}
