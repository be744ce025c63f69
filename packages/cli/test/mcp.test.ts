import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { expect, test, vi } from 'vitest';
import { bin, directoryWith, gantry } from './gantry.ts';

vi.setConfig({ testTimeout: 120_000 });

const manifest = `
spec: gantry-manifest/1
entries:
  hello.txt: { type: file, text: 'from the manifest' }
`;

async function readHello(transport: object): Promise<unknown> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(transport as Transport);
  const { content } = await client.callTool({
    name: 'read_file',
    arguments: { path: 'hello.txt' },
  });
  await client.close();
  return content;
}

const expected = [{ type: 'text', text: expect.stringContaining('from the manifest') as string }];

test('a client that starts gantry mcp has what the manifest says', async () => {
  const folder = await directoryWith({ 'm.yaml': manifest });
  const env = { GANTRY_STATE_DIRECTORY: folder, XDG_STATE_HOME: folder };
  const args = [bin, 'mcp', '--provider', 'local', '--manifest', path.join(folder, 'm.yaml')];
  const { PATH = '' } = process.env;
  const started = { command: process.execPath, args, env: { ...env, PATH } };
  expect(await readHello(new StdioClientTransport(started))).toEqual(expected);
  await expect
    .poll(async () => (await gantry(['ls', '--json'], { env })).text, { timeout: 60_000 })
    .toContain('"sandboxes": []');
});

test('gantry mcp --http prints what a client needs, and ends with its sandboxes', async () => {
  const folder = await directoryWith({ 'm.yaml': manifest });
  const env = { GANTRY_STATE_DIRECTORY: folder, XDG_STATE_HOME: folder };
  let content: unknown;
  const { code } = await gantry(['mcp', '--http', '--manifest', path.join(folder, 'm.yaml')], {
    env,
    async during(running) {
      let printed = '';
      running.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
      await vi.waitUntil(() => printed.includes('\n'), { timeout: 100_000 });
      const { url, headers } = (
        JSON.parse(printed) as {
          mcpServers: { gantry: { url: string; headers: Record<string, string> } };
        }
      ).mcpServers.gantry;
      const transport = new StreamableHTTPClientTransport(new URL(url), {
        requestInit: { headers },
      });
      content = await readHello(transport);
      running.kill('SIGTERM');
    },
  });
  expect({ code, content }).toEqual({ code: 0, content: expected });
  expect((await gantry(['ls', '--json'], { env })).text).toContain('"sandboxes": []');
});

test('what is only for --http is refused without it', async () => {
  const { code, stderr } = await gantry(['mcp', '--port', '3456']);
  expect({ code, stderr }).toMatchObject({
    ...{ code: 125, stderr: expect.stringContaining('are for --http') as string },
  });
});
