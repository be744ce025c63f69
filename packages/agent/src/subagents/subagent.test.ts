import { expect, test } from 'vitest';
import { runAgent } from '../../test/agent-workshop.ts';
import { scriptedModel } from '../../test/scripted-model.ts';
import { createAgent, subagent } from '../index.ts';

const helper = scriptedModel((options) => {
  const text = JSON.stringify(options.prompt);
  const index = options.prompt.filter(({ role }) => role === 'assistant').length;
  if (text.includes('loop'))
    return [{ tool: 'shell', input: { command: 'echo lost > lost', yield_ms: 60_000 } }];
  if (index === 0)
    return [
      {
        tool: 'shell',
        input: { command: 'cat mine > theirs; rm -f old; echo ok', yield_ms: 60_000 },
      },
    ];
  return `I saw: ${text.includes('ok') ? 'ok' : text}`;
});

test('a task is worked on in a clone, and its changes come back when it has finished', async () => {
  const model = scriptedModel([
    [{ tool: 'shell', input: { command: 'echo 1 > mine; echo 2 > old', yield_ms: 60_000 } }],
    [{ tool: 'delegate', input: { task: 'copy mine' } }],
    [{ tool: 'delegate', input: { task: 'loop' } }],
    [{ tool: 'delegate', input: {} }],
    [{ tool: 'fresh', input: { task: 'look' } }],
    [{ tool: 'shell', input: { command: 'echo 3 >> theirs', yield_ms: 60_000 } }],
    'done',
  ]);
  const agent = createAgent({ model: helper, maxTurns: 3 });
  const { files, result } = await runAgent({
    model,
    extensions: [subagent({ agent }), subagent({ agent, name: 'fresh', from: 'fresh' })],
  });
  expect(result.text).toBe('done');
  expect(files).toBe('./mine: 1\n./theirs: 1\n3\n');
  const last = JSON.stringify(model.doGenerateCalls.at(-1)?.prompt);
  expect(last).toContain('I saw: ok\\n[its changes are in the workspace]');
  expect(last).toContain('It was not done after 3 turns, and nothing of it was kept.');
  expect(last).toContain('The input of delegate does not fit');
});

test('a branch cannot hand on', async () => {
  const inner = createAgent({
    model: scriptedModel(['x']),
    extensions: [subagent({ agent: createAgent({ model: scriptedModel(['y']) }) })],
  });
  const model = scriptedModel([[{ tool: 'delegate', input: { task: 'x' } }], 'done']);
  await runAgent({ model, extensions: [subagent({ agent: inner, attempts: 1 })] });
  expect(JSON.stringify(model.doGenerateCalls.at(-1)?.prompt)).toContain(
    'a branch cannot branch again',
  );
});
