import { local } from '@gantry/provider-local';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { runAgent, testHarness } from '../../test/agent-workshop.ts';
import { type Prompt, scriptedModel } from '../../test/scripted-model.ts';
import { type AgentExtender, createAgent } from '../index.ts';

/** What a prompt has as results of tools. */
function resultsIn({ prompt }: Prompt): readonly unknown[] {
  return prompt.flatMap((message) =>
    message.role === 'tool'
      ? message.content.map((part) => (part.type === 'tool-result' ? part.output : part))
      : [],
  );
}

test('a task is worked on by tools, turn by turn, and each turn sees what came before', async () => {
  const model = scriptedModel([
    [
      { tool: 'write_file', input: { path: 'a.txt', content: 'one\n' } },
      {
        tool: 'shell',
        input: { command: 'cat a.txt; mkdir d; cd d; export A=1', yield_ms: 60_000 },
      },
    ],
    [{ tool: 'shell', input: { command: 'echo $A > b', yield_ms: 60_000 } }],
    [{ tool: 'read_file', input: { path: 7 } }],
    [{ tool: 'no_such_tool', input: {} }],
    'done',
  ]);
  const { result, files } = await runAgent({ model, instructions: 'Be brief.' });
  expect(result).toEqual({
    text: 'done',
    status: 'finished',
    turns: 5,
    toolCalls: 4,
    compactions: 0,
    usage: { inputTokens: 50, outputTokens: 25 },
  });
  expect(files).toBe('./a.txt: one\n./d/b: 1\n');
  const last = model.doGenerateCalls.at(-1);
  expect(resultsIn(last as Prompt)).toEqual([
    { type: 'text', value: 'Created a.txt (4 bytes).' },
    { type: 'text', value: 'one\n[exit code 0]' },
    { type: 'text', value: '[exit code 0]' },
    {
      type: 'error-text',
      value: expect.stringContaining('The input of read_file does not fit') as string,
    },
    { type: 'error-text', value: expect.stringContaining('no_such_tool') as string },
  ]);
  const [system] = last?.prompt ?? [];
  expect(system).toMatchObject({
    role: 'system',
    content: expect.stringMatching(/^Be brief\.\n\n# Workspace/) as string,
  });
});

test('turns are bounded, and a context that is full is replaced by a summary', async () => {
  const endless = scriptedModel(() => [{ tool: 'glob', input: { pattern: '*' } }]);
  const { result } = await runAgent({ model: endless, maxTurns: 3 });
  expect(result).toMatchObject({ status: 'max-turns', turns: 3, toolCalls: 3 });

  const short = scriptedModel([{ cutOff: 'I was about to' }, 'the end']);
  expect((await runAgent({ model: short })).result).toMatchObject({ text: 'the end', turns: 2 });
  expect(JSON.stringify(short.doGenerateCalls[1]?.prompt)).toContain('Your answer was cut off');

  const model = scriptedModel((prompt) => {
    if (prompt.toolChoice?.type === 'none') return 'I wrote the file.';
    const text = JSON.stringify(prompt.prompt);
    if (text.includes('Summary of my work so far')) return `went on: ${prompt.prompt.length}`;
    return [{ tool: 'write_file', input: { path: 'f', content: 'x'.repeat(4000) } }];
  });
  const compacted = await runAgent({ model, compactAtTokens: 900 });
  expect(compacted.result).toMatchObject({ text: 'went on: 4', compactions: 1, turns: 2 });
});

test('what the policy asks suspends the run, and the answer is the tool’s', async () => {
  const model = scriptedModel([
    [{ tool: 'shell', input: { command: 'git push origin', yield_ms: 60_000 } }],
    [{ tool: 'write_file', input: { path: 'secret/x', content: '' } }],
    [{ tool: 'shell', input: { command: 'rm -rf .', yield_ms: 60_000 } }],
    [{ tool: 'glob', input: { pattern: '*' } }],
    'ended',
  ]);
  const harness = testHarness({
    policy: {
      rules: [
        { action: 'ask', command: 'git push*' },
        { action: 'ask', path: '/workspace/secret/*' },
        { action: 'deny', command: 'rm -rf .' },
        { action: 'deny', tool: 'glob *' },
      ],
    },
  });
  const agent = createAgent({ model });
  const run = (): ReturnType<typeof harness.run> =>
    harness.run('r', { id: 'r' }, (scope) => agent.run(scope, 'push'));
  const first = await run();
  expect(first).toMatchObject({
    status: 'suspended',
    asks: [{ kind: 'command', subject: 'git push origin' }],
  });
  const [push] = await harness.asks('r');
  await harness.approve('r', push?.id ?? '', { allow: true, by: 'me' });
  expect(await run()).toMatchObject({ asks: [{ kind: 'path', subject: '/workspace/secret/x' }] });
  const [write] = await harness.asks('r');
  await harness.approve('r', write?.id ?? '', { allow: false, by: 'me' });
  expect(await run()).toMatchObject({ status: 'finished', value: { text: 'ended', toolCalls: 4 } });
  // Turns that were recorded are not asked for again.
  expect(model.doGenerateCalls).toHaveLength(5);
  expect(resultsIn(model.doGenerateCalls.at(-1) as Prompt)).toEqual([
    { type: 'text', value: expect.stringContaining('[exit code') as string },
    { type: 'error-text', value: expect.stringContaining('a person denied it') as string },
    { type: 'error-text', value: expect.stringContaining('the policy denies it') as string },
    { type: 'error-text', value: expect.stringContaining('tool "glob') as string },
  ]);
});

test('a sandbox that is lost in the middle is replaced, and the task goes on from the last call', async () => {
  const provider = local();
  let lost = 0;
  const accident: AgentExtender = ({ run }) =>
    Promise.resolve({
      tools: [
        {
          name: 'accident',
          description: 'Ends the sandbox once.',
          input: z.object({}),
          effects: 'workspace',
          async execute() {
            if (lost++ === 0) await provider.destroy(await run.sandbox.ref());
            await run.sandbox.exec('echo after >> f');
            return { content: [{ type: 'text', text: 'survived' }], isError: false };
          },
        },
      ],
    });
  const model = scriptedModel([
    [{ tool: 'shell', input: { command: 'echo before > f; mkdir d; cd d', yield_ms: 60_000 } }],
    [{ tool: 'accident', input: {} }],
    [{ tool: 'shell', input: { command: 'pwd; cat /workspace/f', yield_ms: 60_000 } }],
    'done',
  ]);
  const harness = testHarness({ providers: { local: provider } });
  const { files, result } = await runAgent({ model, extensions: [accident] }, { harness });
  expect(lost).toBe(2);
  expect(result).toMatchObject({ text: 'done', turns: 4 });
  expect(files).toBe('./f: before\nafter\n');
  const last = JSON.stringify(model.doGenerateCalls.at(-1)?.prompt);
  expect(last).toContain(
    'the shell begins anew in /workspace; its directory and variables were lost',
  );
  expect(model.doGenerateCalls).toHaveLength(4);
});

test('an image reaches the model as one', async () => {
  const model = scriptedModel([[{ tool: 'view_image', input: { path: 'p.gif' } }], 'seen']);
  const gif = 'R0lGODlhAQABAAAAACw=';
  const manifest = {
    spec: 'gantry-manifest/1',
    entries: { 'p.gif': { type: 'file', base64: gif } },
  } as const;
  await runAgent({ model }, { manifest });
  expect(resultsIn(model.doGenerateCalls[1] as Prompt)).toMatchObject([
    { type: 'content', value: [{ type: 'text' }, { type: 'file', mediaType: 'image/gif' }] },
  ]);
});

test('two tools of one name are refused', async () => {
  const tool = {
    name: 'shell',
    description: '',
    input: {} as never,
    effects: 'none',
    execute: () => Promise.resolve({ content: [], isError: false }),
  } as const;
  await expect(runAgent({ model: scriptedModel(['x']), tools: [tool] })).rejects.toThrow(
    'two tools called shell',
  );
  expect(() => createAgent({ model: 'x', maxTurns: 0 })).toThrow('maxTurns');
});
