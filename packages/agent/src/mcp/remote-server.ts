import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { SandboxError } from '@gantry/core';

/** Headers of requests to a server. */
type ServerHeaders = Readonly<Record<string, string>>;

/** A server elsewhere, spoken with from the harness's side. What opens it is recorded nowhere, and never gets into the sandbox. */
export interface RemoteServer {
  readonly url: string;
  /**
   * Sent with each request. A function is asked whenever a connection is made, so that a bearer token can be looked up where it is
   * kept and need not be in any configuration.
   */
  readonly headers?: ServerHeaders | (() => ServerHeaders | Promise<ServerHeaders>);
  /**
   * OAuth: a provider of the official SDK (`@modelcontextprotocol/sdk/client/auth.js`), which keeps the tokens, refreshes them and, where
   * a person must consent, is told where to send them. A server that wants a person's consent first is `unauthenticated`.
   */
  readonly authProvider?: OAuthClientProvider;
}

/** What the SDK speaks with such a server by. */
export async function remoteTransport(
  name: string,
  { url, headers = {}, authProvider }: RemoteServer,
): Promise<StreamableHTTPClientTransport> {
  const given = typeof headers === 'function' ? await headers() : headers;
  const isTwice = Object.keys(given).some((header) => header.toLowerCase() === 'authorization');
  if (authProvider && isTwice) {
    const message = `MCP server ${name}: there are an authProvider and a header authorization; give one of them`;
    throw new SandboxError('invalid-argument', message, { operation: 'mcp.connect' });
  }
  return new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { ...given } },
    ...(authProvider ? { authProvider } : {}),
  });
}
