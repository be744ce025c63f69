import type { SessionOptions } from '../egress-types.ts';

/** Variables that name a file with one more authority. */
const certificateVariables = ['NODE_EXTRA_CA_CERTS', 'DENO_CERT'] as const;

/** Variables that name a file in the place of all authorities that a program trusts. */
const bundleVariables = [
  'SSL_CERT_FILE',
  'CURL_CA_BUNDLE',
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'GIT_SSL_CAINFO',
  'AWS_CA_BUNDLE',
  'CARGO_HTTP_CAINFO',
] as const;

/** What programs in a sandbox need to find the proxy and to believe it. */
export function sandboxEnvironment({ proxy, trust }: SessionOptions): Record<string, string> {
  const { host = '127.0.0.1', port = 3128 } = proxy ?? {};
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  // Not `socks5:` for ALL_PROXY: Python's HTTP clients refuse to start with one when their SOCKS library is missing.
  const proxies: [string, string][] = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [
    [name, url],
    [name.toLowerCase(), url],
  ]);
  const none = 'localhost,127.0.0.1,::1';
  return {
    ...Object.fromEntries(proxies),
    NO_PROXY: none,
    no_proxy: none,
    NODE_USE_ENV_PROXY: '1',
    ...(trust === undefined
      ? {}
      : {
          ...Object.fromEntries(certificateVariables.map((name) => [name, trust.certificate])),
          ...Object.fromEntries(bundleVariables.map((name) => [name, trust.bundle])),
        }),
  };
}
