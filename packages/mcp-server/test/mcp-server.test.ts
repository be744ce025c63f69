import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { memoryStore } from '@gantry/core/snapshot';
import { type HttpMcpServer, serveHttp } from '@gantry/mcp-server';
import { local } from '@gantry/provider-local';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, connect, httpTransport } from './connect.ts';

const stateDirectory = mkdtempSync(path.join(tmpdir(), 'gantry-mcp-'));
const provider = local({ stateDirectory });
afterAll(() => rmSync(stateDirectory, { recursive: true, force: true }));

async function sandboxesLeft(): Promise<number> {
  return (await Array.fromAsync(provider.list())).length;
}

test('a client over standard input and output: the toolset, and a clean end', async () => {
  const client = await connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [path.join(import.meta.dirname, 'stdio-program.ts'), stateDirectory],
      stderr: 'inherit',
    }),
  );
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual([
    ...['shell', 'apply_patch', 'read_file', 'write_file', 'edit', 'list_files', 'grep', 'glob'],
    ...['view_image', 'sandbox_list', 'sandbox_create', 'sandbox_fork', 'sandbox_destroy'],
    ...['snapshot_create', 'snapshot_list', 'snapshot_diff'],
  ]);
  for (const { inputSchema, description } of tools) {
    expect(inputSchema.type).toBe('object');
    expect(description).toBeTruthy();
  }
  expect(client.getInstructions()).toContain('/workspace');
  expect(await sandboxesLeft()).toBe(0);

  await call(client, 'write_file', { path: 'a.txt', content: 'one\n' });
  expect(await call(client, 'shell', { command: 'cat a.txt; cd /tmp' })).toContain('one');
  expect(await call(client, 'shell', { command: 'pwd' })).toContain('/tmp');
  expect(await call(client, 'read_file', { path: 'nowhere' })).toMatch(/^ERROR .*nowhere/);
  expect(await call(client, 'read_file', {})).toMatch(/^ERROR .*does not fit/s);
  expect(await call(client, 'shell', { command: 'true', sandbox: 'x' })).toMatch(
    /^ERROR not-found: there is no sandbox "x"/,
  );
  await expect(call(client, 'no_such_tool')).rejects.toThrow(/no tool/);
  const png = Buffer.from('89504e470d0a1a0a0000000d4948445200000001000000010806', 'hex');
  await call(client, 'shell', { command: `printf '${octal(png)}' > /workspace/dot.png` });
  expect(await call(client, 'view_image', { path: '/workspace/dot.png' })).toContain('image');
  await client.close();
  await expect.poll(sandboxesLeft, { timeout: 60_000 }).toBe(0);
});

describe('over HTTP', () => {
  let server: HttpMcpServer;
  beforeAll(async () => {
    server = await serveHttp({ provider, snapshots: memoryStore(), maxSandboxes: 4 });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    // oxlint-disable-next-line vitest/no-standalone-expect -- what all tests must have left
    expect(await sandboxesLeft()).toBe(0);
  });

  test('snapshots and forks: back to an earlier state, and several ways at once', async () => {
    const client = await connect(httpTransport(server));
    await call(client, 'write_file', { path: 'a.txt', content: 'one' });
    const first = /Snapshot ([0-9a-f]{64})/.exec(await call(client, 'snapshot_create'))?.[1] ?? '';
    const made = await call(client, 'sandbox_fork', { count: 2 });
    expect(made).toBe('Made fork-1, fork-2.');
    await call(client, 'write_file', { path: 'b.txt', content: 'two', sandbox: 'fork-1' });
    const listing = ['main', 'fork-1', 'fork-2'].map((sandbox) =>
      call(client, 'shell', { command: 'ls', sandbox }),
    );
    const [main, one, two] = await Promise.all(listing);
    expect([main, one, two].map((text) => text?.includes('b.txt'))).toEqual([false, true, false]);

    const second = await call(client, 'snapshot_create', { sandbox: 'fork-1' });
    const after = /Snapshot ([0-9a-f]{64})/.exec(second)?.[1] ?? '';
    expect(await call(client, 'snapshot_diff', { before: first.slice(0, 8), after })).toBe(
      '+ b.txt',
    );
    expect((await call(client, 'snapshot_list')).split('\n')).toHaveLength(2);

    await call(client, 'shell', { command: 'rm a.txt' });
    await call(client, 'sandbox_create', { name: 'back', snapshot: first });
    expect(await call(client, 'shell', { command: 'cat a.txt', sandbox: 'back' })).toContain('one');
    expect(await call(client, 'sandbox_create', { name: 'more' })).toMatch(
      /^ERROR resource-exhausted: a session may have 4/,
    );
    await call(client, 'sandbox_destroy', { sandbox: 'main' });
    expect(await call(client, 'shell', { command: 'ls | wc -l' })).toContain('0');
    expect((await call(client, 'sandbox_list')).split('\n').toSorted()).toEqual([
      ...['back', 'fork-1', 'fork-2', 'main'],
    ]);
    expect(await sandboxesLeft()).toBe(4);
    await end(client);
    await expect.poll(sandboxesLeft, { timeout: 60_000 }).toBe(0);
  });

  test('sessions know nothing of each other', async () => {
    const [one, two] = await Promise.all([
      connect(httpTransport(server)),
      connect(httpTransport(server)),
    ]);
    await call(one, 'write_file', { path: 'secret.txt', content: 'of one' });
    const snapshot = /Snapshot ([0-9a-f]{64})/.exec(await call(one, 'snapshot_create'))?.[1] ?? '';
    await call(one, 'sandbox_fork');
    expect(await call(two, 'shell', { command: 'ls -a /workspace' })).not.toContain('secret');
    expect(await call(two, 'shell', { command: 'ls', sandbox: 'fork-1' })).toMatch(
      /^ERROR not-found/,
    );
    expect(await call(two, 'snapshot_list')).toBe('There are none.');
    expect(await call(two, 'sandbox_create', { name: 'x', snapshot })).toMatch(/^ERROR not-found/);
    const other = await fetch(server.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${server.token}`,
        'mcp-session-id': '00000000-0000-4000-8000-000000000000',
      },
      body: '{}',
    });
    expect(other.status).toBe(404);
    await end(one);
    expect(await call(two, 'shell', { command: 'echo still here' })).toContain('still here');
    await end(two);
  });

  test('pages of a browser and other users are kept out', async () => {
    const { port } = new URL(server.url);
    const initialize = JSON.stringify({
      ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
      params: {
        protocolVersion: '2025-06-18',
        capabilities: {},
        clientInfo: { name: 'test', version: '1' },
      },
    });
    const ask = (headers: Readonly<Record<string, string>>, pathname = '/mcp'): Promise<number> =>
      new Promise((resolve, reject) => {
        const accept = 'application/json, text/event-stream';
        const all = { accept, 'content-type': 'application/json', ...headers };
        const asked = request(
          { host: '127.0.0.1', port, path: pathname, method: 'POST', headers: all },
          (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          },
        );
        asked.on('error', reject).end(initialize);
      });
    const authorization = `Bearer ${server.token}`;
    const host = `127.0.0.1:${port}`;
    expect(await ask({ authorization, host: `evil.example:${port}` })).toBe(403);
    expect(await ask({ authorization, host, origin: 'http://evil.example' })).toBe(403);
    expect(await ask({ authorization, host, origin: 'null' })).toBe(403);
    expect(await ask({ host })).toBe(401);
    expect(await ask({ authorization: `${authorization}x`, host })).toBe(401);
    expect(await ask({ authorization, host }, '/elsewhere')).toBe(404);
    expect(await ask({ authorization, host, origin: `http://${host}` })).toBe(200);
  });

  test('an idle session ends, and there are only so many', async () => {
    await using small = await serveHttp({ provider, maxSessions: 1, idleMs: 10_000 });
    const transports = Array.from({ length: 3 }, () => httpTransport(small));
    const all = await Promise.allSettled(transports.map((each) => connect(each)));
    const first = all.findIndex(({ status }) => status === 'fulfilled');
    const [transport, entered] = [transports[first], all[first]];
    const refused = all.flatMap((each) =>
      each.status === 'rejected' ? [String(each.reason)] : [],
    );
    expect(refused.map((text) => text.includes('as many sessions'))).toEqual([true, true]);
    if (!transport || entered?.status !== 'fulfilled') throw new Error('nobody could enter');
    await call(entered.value, 'shell', { command: 'true' });
    expect(await sandboxesLeft()).toBe(1);
    // A client that goes without a word: its stream breaks off, and nothing more comes.
    await transport.close();
    await expect.poll(sandboxesLeft, { timeout: 60_000 }).toBe(0);
    await end(await connect(httpTransport(small)));
  });
});

/** As a client should: the session is ended, then the connection. */
async function end(client: Client): Promise<void> {
  const { transport } = client;
  if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession();
  await client.close();
}

function octal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}
