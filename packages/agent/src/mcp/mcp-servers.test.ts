import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { runAgent } from '../../test/agent-workshop.ts';
import { scriptedModel } from '../../test/scripted-model.ts';
import { mcpServers } from '../index.ts';

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

test('a remote server is spoken with from the side of the harness', async () => {
  const seen: (string | undefined)[] = [];
  const http = createServer((request, response) => {
    seen.push(request.headers.authorization);
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
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
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
