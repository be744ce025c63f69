import { createToolset } from '@gantry/agent/toolset';
import { sandboxSession } from '@gantry/ai-sdk';
import type { Provider } from '@gantry/core';
import { memoryStore } from '@gantry/core/snapshot';
import { serveHttp } from '@gantry/mcp-server';
import { GantrySandboxClient } from '@gantry/openai-agents';
import { run } from '@openai/agents';
import { filesystem, Manifest, SandboxAgent, shell } from '@openai/agents/sandbox';
import { assistantMessage, functionCall, ScriptedModel } from '@openai/agents/testing';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { call, connect, httpTransport } from '../packages/mcp-server/test/connect.ts';
import { shown, toolOutputs } from '../packages/openai-agents/test/scripted.ts';

/** What each bridge has of the sandboxes of a provider. Plain JSON, and the same of every provider. */
export type BridgeTour = Readonly<Record<string, unknown>>;

/** What a tour comes to. */
export const expectedTour: BridgeTour = {
  toolset: ['Done.\nA notes.txt', 'hello\n', { code: 3 }],
  aiSdk: { exitCode: 4, stdout: 'from the AI SDK\n', stderr: 'err\n' },
  openaiAgents: ['done', 'one\n2\n', 'kept of two\n'],
  mcp: ['/workspace', 'one', '~ a.txt', 'one', 'changed'],
  left: 0,
};

/** Uses every bridge once, from its beginning to its end. */
export async function bridgeTour(provider: Provider): Promise<BridgeTour> {
  return {
    toolset: await ofToolset(provider),
    aiSdk: await ofAiSdk(provider),
    openaiAgents: await ofOpenaiAgents(provider),
    mcp: await ofMcpServer(provider),
    left: provider.capabilities.inventory ? (await Array.fromAsync(provider.list())).length : 0,
  };
}

async function ofToolset(provider: Provider): Promise<unknown> {
  await using sandbox = await provider.create();
  await using toolset = createToolset(sandbox.restricted());
  const lines = ['*** Begin Patch', '*** Add File: notes.txt', '+hello', '*** End Patch'];
  const patched = await toolset.get('apply_patch')?.execute({ patch: lines.join('\n') });
  const shown = await toolset
    .get('shell')
    ?.execute({ command: 'cat notes.txt; exit 3', yield_ms: 100_000 });
  const [first] = patched?.content ?? [];
  const text = first?.type === 'text' ? first.text : first;
  return [text, shown?.details?.['stdout'], shown?.details?.['exit']];
}

async function ofAiSdk(provider: Provider): Promise<unknown> {
  await using sandbox = await provider.create();
  const session = sandboxSession(sandbox.restricted());
  await session.writeTextFile({ path: 'a b.txt', content: 'from the AI SDK\n' });
  return await session.run({ command: 'cat "a b.txt"; echo err >&2; exit 4' });
}

async function ofOpenaiAgents(provider: Provider): Promise<unknown> {
  const client = new GantrySandboxClient({ provider, snapshots: memoryStore() });
  const exec = (cmd: string, index: number): ReturnType<typeof functionCall>[] => [
    functionCall('exec_command', { cmd, yield_time_ms: 100_000 }, { callId: `call-${index}` }),
  ];
  const operation = { type: 'update_file', path: 'a.txt', diff: '@@\n one\n-two\n+2\n' } as const;
  const model = new ScriptedModel([
    [{ type: 'apply_patch_call', callId: 'patch', status: 'completed', operation }],
    exec('cat a.txt', 1),
    [assistantMessage('done')],
  ]);
  const agent = new SandboxAgent({
    ...{ name: 'tourist', model, capabilities: [shell(), filesystem()] },
    defaultManifest: new Manifest({
      entries: { 'a.txt': { type: 'file', content: 'one\ntwo\n' } },
    }),
  });
  const { finalOutput } = await run(agent, 'go', { sandbox: { client } });
  const said = shown(toolOutputs(model).at(-1));
  const session = await client.create();
  await session.execCommand({ cmd: 'echo kept of two > kept', yieldTimeMs: 100_000 });
  const snapshot = await session.saveSnapshot();
  await session.close();
  const seeded = await client.create({ snapshot });
  const kept = Buffer.from(await seeded.readFile({ path: 'kept' })).toString();
  await seeded.close();
  return [finalOutput, said, kept];
}

async function ofMcpServer(provider: Provider): Promise<unknown> {
  await using server = await serveHttp({ provider });
  const client = await connect(httpTransport(server));
  try {
    return await useMcpTools(client);
  } finally {
    await client.close();
  }
}

/** The toolset, snapshots and forks, as a client of the protocol has them. */
export async function useMcpTools(client: Client): Promise<readonly string[]> {
  const firstLine = (text: string): string => text.split('\n')[0] ?? '';
  const snapshot = async (sandbox: string): Promise<string> =>
    /Snapshot ([0-9a-f]{64})/.exec(await call(client, 'snapshot_create', { sandbox }))?.[1] ?? '';
  const cat = async (sandbox: string): Promise<string> =>
    firstLine(await call(client, 'shell', { command: 'cat a.txt', yield_ms: 100_000, sandbox }));
  const where = await call(client, 'shell', { command: 'pwd', yield_ms: 100_000 });
  await call(client, 'write_file', { path: 'a.txt', content: 'one\n' });
  const before = await snapshot('main');
  await call(client, 'sandbox_fork', { count: 1 });
  await call(client, 'write_file', { path: 'a.txt', content: 'changed\n', sandbox: 'fork-1' });
  const after = await snapshot('fork-1');
  await call(client, 'sandbox_create', { name: 'back', snapshot: before });
  const difference = await call(client, 'snapshot_diff', { before, after });
  const ends = [await cat('back'), await cat('fork-1')];
  return [firstLine(where), await cat('main'), difference, ...ends];
}
