import type { Endpoint } from '@gantry/core';
import type { ExposedPortEndpoint } from '@openai/agents/sandbox';

/** A place that a port is reached at, in the SDK's words. */
export function exposedEndpoint({ url, headers }: Endpoint): ExposedPortEndpoint {
  const { protocol, hostname, port, search } = new URL(url);
  const tls = protocol === 'https:' || protocol === 'wss:';
  return {
    host: hostname,
    port: port === '' ? (tls ? 443 : 80) : Number(port),
    tls,
    protocol: protocol.replace(':', ''),
    url,
    ...(search === '' ? {} : { query: search.slice(1) }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
  };
}
