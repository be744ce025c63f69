import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { runAgent } from '../../test/agent-workshop.ts';
import { scriptedModel } from '../../test/scripted-model.ts';
import { type McpServer as McpServerSource, mcpServers } from '../index.ts';

/** An MCP server in POSIX sh: what it answers is where it runs. */
const shellServer = `
log() { echo "$1" >> /workspace/server-log; }
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\\([0-9][0-9]*\\).*/\\1/p')
  say() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\\n' "$id" "$1"; }
  case $line in
    *'"method":"initialize"'*) say '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}' ;;
    *'"method":"tools/list"'*) say '{"tools":[{"name":"where","description":"Says where.","inputSchema":{"type":"object"}},{"name":"hidden","inputSchema":{"type":"object"}},{"name":"die","inputSchema":{"type":"object"}}]}' ;;
    *'"name":"where"'*) log "$line"; say "{\\"content\\":[{\\"type\\":\\"text\\",\\"text\\":\\"in $PWD with $SETTING\\"}]}" ;;
    *'"name":"die"'*) echo 'I am dying' >&2; exit 3 ;;
  esac
done
`;

test('a server is started in the sandbox and gives the tools that are allowed', async () => {
  const model = scriptedModel([
    [{ tool: 'box__where', input: {} }],
    [{ tool: 'box__die', input: {} }],
    [{ tool: 'box__where', input: { again: true } }],
    'done',
  ]);
  const server = {
    name: 'box',
    command: ['sh', 'server.sh'],
    env: { SETTING: 'x' },
    tools: ['where', 'die'],
    timeoutMs: 60_000,
  } as const;
  const entry = { type: 'file', text: shellServer } as const;
  const manifest = { spec: 'gantry-manifest/1', entries: { 'server.sh': entry } } as const;
  const { files } = await runAgent({ model, extensions: [mcpServers(server)] }, { manifest });
  const last = JSON.stringify(model.doGenerateCalls.at(-1)?.prompt);
  expect(last.match(/in \/workspace with x/g)).toHaveLength(2);
  expect(last).toContain('MCP server box: ');
  expect(files).toContain('server-log');
  const offered = model.doGenerateCalls[0]?.tools?.map(({ name }) => name);
  expect(offered).toContain('box__where');
  expect(offered).not.toContain('box__hidden');
});

/** A remote server; what it is asked goes by `guard` first, which may answer by itself. */
async function remoteServer(
  guard: (request: IncomingMessage, response: ServerResponse, origin: string) => boolean,
): Promise<string> {
  const http = createServer((request, response) => {
    const { port } = http.address() as AddressInfo;
    if (guard(request, response, `http://127.0.0.1:${port}`)) return;
    const server = new McpServer({ name: 'remote', version: '1' });
    server.registerTool('add', { inputSchema: { a: z.number(), b: z.number() } }, ({ a, b }) => ({
      content: [{ type: 'text', text: `sum ${a + b}` }],
    }));
    server.registerTool('fail', { inputSchema: {} }, () => ({
      isError: true,
      content: [{ type: 'text', text: 'no luck' }],
    }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined as never });
    void server
      .connect(transport as Parameters<McpServer['connect']>[0])
      .then(() => transport.handleRequest(request, response));
  });
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    http.close();
    http.closeAllConnections();
  });
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
}

test('a remote server is spoken with from the side of the harness', async () => {
  const seen: (string | undefined)[] = [];
  const url = await remoteServer(({ headers }) => {
    seen.push(headers.authorization);
    return false;
  });
  const model = scriptedModel([
    [{ tool: 'far__add', input: { a: 2, b: 3 } }],
    [{ tool: 'far__add', input: { a: 'x' } }],
    [{ tool: 'far__fail', input: {} }],
    'done',
  ]);
  const headers = { authorization: 'Bearer token' };
  await runAgent({ model, extensions: [mcpServers({ name: 'far', url, headers, tools: 'all' })] });
  const last = JSON.stringify(model.doGenerateCalls.at(-1)?.prompt);
  expect(last).toContain('sum 5');
  expect(last).toContain('no luck');
  expect(new Set(seen)).toEqual(new Set(['Bearer token']));
  const add = model.doGenerateCalls[0]?.tools?.find(({ name }) => name === 'far__add');
  expect(add).toMatchObject({ inputSchema: { properties: { a: { type: 'number' } } } });

  const missing = mcpServers({ name: 'far', url, tools: ['nothing'] });
  await expect(runAgent({ model, extensions: [missing] })).rejects.toThrow(
    'it has no tool nothing',
  );
  const nobody = mcpServers({ name: 'gone', url: 'http://127.0.0.1:1/mcp', tools: 'all' });
  await expect(runAgent({ model, extensions: [nobody] })).rejects.toThrow('cannot be spoken with');
});

test('a remote server behind OAuth is opened by a provider of the official SDK', async () => {
  const asked: string[] = [];
  const url = await remoteServer((request, response, origin) => {
    const { url: place = '', headers } = request;
    const answer = (body: object): boolean => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
      return true;
    };
    if (place.startsWith('/.well-known/oauth-protected-resource')) {
      return answer({ resource: `${origin}/mcp`, authorization_servers: [origin] });
    }
    if (place.startsWith('/.well-known/oauth-authorization-server')) {
      return answer({
        ...{ issuer: origin, response_types_supported: ['code'] },
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
      });
    }
    if (place === '/token') {
      asked.push(headers.authorization ?? '');
      return answer({ access_token: 'fresh-token', token_type: 'Bearer' });
    }
    if (headers.authorization === 'Bearer fresh-token') return false;
    const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
    response.setHeader('www-authenticate', `Bearer resource_metadata="${metadata}"`);
    response.writeHead(401).end();
    return true;
  });
  const { origin } = new URL(url);
  const authProvider = new ClientCredentialsProvider({
    ...{ clientId: 'me', clientSecret: 'hunter2hunter2', expectedIssuer: origin },
  });
  const model = scriptedModel([[{ tool: 'far__add', input: { a: 2, b: 3 } }], 'done']);
  const server = { name: 'far', url, tools: 'all' } as const;
  await runAgent({ model, extensions: [mcpServers({ ...server, authProvider })] });
  expect(JSON.stringify(model.doGenerateCalls.at(-1)?.prompt)).toContain('sum 5');
  expect(asked).toEqual([`Basic ${Buffer.from('me:hunter2hunter2').toString('base64')}`]);

  const refused = async (more: Partial<McpServerOptions>, message: string): Promise<void> => {
    const extensions = [mcpServers({ ...server, ...more })];
    await expect(runAgent({ model: scriptedModel(['x']), extensions })).rejects.toThrow(message);
  };
  await refused(
    { headers: async () => ({ authorization: 'Bearer old' }) },
    'cannot be spoken with',
  );
  await refused({ authProvider, headers: { Authorization: 'x' } }, 'give one of them');
  const absent = Object.assign(Object.create(authProvider) as typeof authProvider, {
    ...{ tokens: () => undefined, prepareTokenRequest: undefined },
    ...{ redirectToAuthorization: () => undefined, saveCodeVerifier: () => undefined },
  });
  Object.defineProperty(absent, 'redirectUrl', { value: `${origin}/back` });
  await refused({ authProvider: absent }, "wants somebody's consent first");
});

type McpServerOptions = Extract<McpServerSource, { readonly url: string }>;
