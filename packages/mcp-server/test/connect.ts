import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { HttpMcpServer } from '@gantry/mcp-server';

/** The official client, connected. */
export async function connect(transport: object): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  // Its transports let `undefined` be said of what may be absent, which this repository's settings do not.
  await client.connect(transport as Transport);
  return client;
}

/** How the official client reaches a server over HTTP. */
export function httpTransport({ url, token }: HttpMcpServer): StreamableHTTPClientTransport {
  const headers = { authorization: `Bearer ${token}` };
  return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
}

/** The text that a tool answers; what it says of an error begins with `ERROR `. */
export async function call(
  client: Client,
  name: string,
  input: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const given = { name, arguments: { ...input } };
  // Without a schema of its own a result is of this type.
  const { content, isError } = (await client.callTool(given)) as CallToolResult;
  const text = content.map((part) => (part.type === 'text' ? part.text : part.type)).join('\n');
  return isError ? `ERROR ${text}` : text;
}
