import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { expect, test } from 'vitest';
import { runAgent } from '../../test/agent-workshop.ts';
import { localToolset } from '../../test/local-toolset.ts';
import { wireServer } from '../../test/wire-server.ts';
import { familyOf, presentTools } from './present-tools.ts';
import type { PresentedTool, ToolFamily } from './presented-tool.ts';

async function presented(family: ToolFamily): Promise<{
  readonly call: (name: string, input: object) => Promise<unknown>;
  readonly names: readonly string[];
}> {
  const { toolset } = await localToolset();
  const tools = presentTools(toolset, family);
  const call = async (name: string, input: object): Promise<unknown> => {
    const tool = tools.find((each: PresentedTool) => each.name === name);
    const result = await tool?.execute(input);
    if (!result) throw new Error(`no tool ${name}`);
    const [first] = result.content;
    return tool?.output?.(result) ?? (first?.type === 'text' ? first.text : first);
  };
  return { call, names: tools.map(({ name }) => name) };
}

test('OpenAI models get the tools of the Responses API', async () => {
  const { call, names } = await presented('openai');
  expect(names).toEqual([
    'shell',
    'apply_patch',
    'read_file',
    'list_files',
    'grep',
    'glob',
    'view_image',
  ]);
  const patch = (operation: object): Promise<unknown> =>
    call('apply_patch', { callId: 'x', operation });
  expect(await patch({ type: 'create_file', path: 'a.txt', diff: '+one\n+two\n' })).toEqual({
    status: 'completed',
    output: 'Done.\nA a.txt',
  });
  expect(
    await patch({ type: 'update_file', path: 'a.txt', diff: '@@\n one\n-two\n+2' }),
  ).toMatchObject({ status: 'completed' });
  expect(await patch({ type: 'update_file', path: 'a.txt', diff: '@@\n-two' })).toMatchObject({
    status: 'failed',
    output: expect.stringContaining('Nothing was changed') as string,
  });
  expect(
    await call('shell', {
      action: {
        commands: ['cat a.txt; cd /tmp', 'pwd >&2; exit 4', 'kill -9 $$', 'sleep 1000'],
        timeoutMs: 3000,
      },
    }),
  ).toEqual({
    output: [
      { stdout: 'one\n2\n', stderr: '', outcome: { type: 'exit', exitCode: 0 } },
      { stdout: '', stderr: '/tmp\n', outcome: { type: 'exit', exitCode: 4 } },
      { stdout: '', stderr: '\n[killed by SIGKILL]', outcome: { type: 'exit', exitCode: 137 } },
      { stdout: '', stderr: '', outcome: { type: 'timeout' } },
    ],
  });
  expect(await patch({ type: 'delete_file', path: 'a.txt' })).toEqual({
    status: 'completed',
    output: 'Done.\nD a.txt',
  });
  expect(await call('shell', { action: {} })).toMatchObject({
    output: [{ outcome: { exitCode: 126 } }],
  });
});

test('Anthropic models get bash and the text editor', async () => {
  const { call, names } = await presented('anthropic');
  expect(names).toEqual(['bash', 'str_replace_based_edit_tool', 'grep', 'glob', 'view_image']);
  const edit = (input: object): Promise<unknown> =>
    call('str_replace_based_edit_tool', { path: '/workspace/f', ...input });
  expect(await edit({ command: 'create', file_text: 'a\nb\n' })).toBe('Created f (4 bytes).');
  expect(await edit({ command: 'str_replace', old_str: 'b', new_str: 'c' })).toBe(
    'Replaced one occurrence in f.',
  );
  expect(await edit({ command: 'insert', insert_line: 1, insert_text: 'x\ny\n' })).toBe(
    'Replaced f (8 bytes).',
  );
  expect(await edit({ command: 'insert', insert_line: 9, insert_text: 'x' })).toMatch(
    /the file has 4 lines/,
  );
  expect(await edit({ command: 'view', view_range: [2, 3] })).toBe(
    '     2\tx\n     3\ty\n[there is more; go on with offset 4]',
  );
  expect(await edit({ command: 'view', path: '/workspace' })).toBe('f (8 bytes)');
  expect(await call('bash', { command: 'cd /tmp; export A=1' })).toBe('[exit code 0]');
  expect(await call('bash', { command: 'pwd; echo $A' })).toBe('/tmp\n1\n[exit code 0]');
  expect(await call('bash', { restart: true })).toBe('The shell begins anew.');
  expect(await call('bash', { command: 'pwd; echo ${A-none}' })).toBe(
    '/workspace\nnone\n[exit code 0]',
  );
});

test.each([
  ['openai.responses', 'gpt-5.2-codex', 'openai'],
  ['openai.responses', 'gpt-4.1', 'function'],
  ['openai.chat', 'gpt-5.2', 'function'],
  ['vertex.anthropic.messages', 'claude-opus-4-1', 'anthropic'],
  ['anthropic.messages', 'claude-3-7-sonnet-latest', 'function'],
])('%s %s gets the form %s', (provider, modelId, family) => {
  expect(familyOf({ provider, modelId })).toBe(family);
});

test('over the wire each API is sent the tools that it knows, and takes their results', async () => {
  const { url, requests } = await wireServer();
  const chat = createOpenAICompatible({ name: 'any', baseURL: `${url}/v1`, apiKey: 'key' })(
    'model',
  );
  const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: 'key' })('gpt-5.1');
  const anthropic = createAnthropic({ baseURL: `${url}/v1`, apiKey: 'key' })('claude-sonnet-4-5');
  expect([chat, openai, anthropic].map((model) => familyOf(model))).toEqual([
    'function',
    'openai',
    'anthropic',
  ]);

  const { result, files } = await runAgent({ model: chat });
  expect(result.text).toBe('chat is done');
  expect(files).toBe('./from-chat: yes\n');
  const [first, second] = requests.filter(({ path }) => path.endsWith('/chat/completions'));
  expect(first?.body).toMatchObject({
    tools: expect.arrayContaining([
      expect.objectContaining({
        type: 'function',
        function: expect.objectContaining({ name: 'apply_patch' }) as unknown,
      }),
    ]) as unknown,
  });
  expect(JSON.stringify(second?.body)).toContain('Created from-chat');

  expect(await runAgent({ model: openai })).toMatchObject({
    result: { text: 'responses is done' },
    files: './from-responses: yes\n',
  });
  const [asked, answered] = requests.filter(({ path }) => path.endsWith('/responses'));
  expect(asked?.body).toMatchObject({
    tools: expect.arrayContaining([{ type: 'shell' }, { type: 'apply_patch' }]) as unknown,
  });
  expect(answered?.body).toMatchObject({
    input: expect.arrayContaining([
      expect.objectContaining({
        type: 'shell_call_output',
        output: [expect.objectContaining({ outcome: { type: 'exit', exit_code: 0 } })],
      }),
    ]) as unknown,
  });

  expect(await runAgent({ model: anthropic })).toMatchObject({
    result: { text: 'messages is done' },
    files: './from-messages: yes\n',
  });
  const [claude] = requests.filter(({ path }) => path.endsWith('/messages'));
  expect(claude?.body).toMatchObject({
    tools: expect.arrayContaining([
      { type: 'bash_20250124', name: 'bash' },
      expect.objectContaining({
        type: 'text_editor_20250728',
        name: 'str_replace_based_edit_tool',
      }),
    ]) as unknown,
  });
});
