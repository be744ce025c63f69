import { expect, test } from 'vitest';
import { runAgent } from '../../test/agent-workshop.ts';
import { type ScriptedTurn, scriptedModel } from '../../test/scripted-model.ts';
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
    [{ tool: 'shell', input: { command: 'echo 3 >> theirs', yield_ms: 60_000 } }],
    'done',
  ]);
  const agent = createAgent({ model: helper, maxTurns: 3 });
  const { files, result } = await runAgent({
    model,
    extensions: [subagent({ agent })],
  });
  expect(result.text).toBe('done');
  expect(files).toBe('./mine: 1\n./theirs: 1\n3\n');
  const last = JSON.stringify(model.doGenerateCalls.at(-1)?.prompt);
  expect(last).toContain('I saw: ok\\n[its changes are in the workspace: 2 paths]');
  expect(last).toContain('It was not done after 3 turns, and nothing of it was kept.');
  expect(last).toContain('The input of delegate does not fit');
});

test('the changes of a sandbox of its own come back as well, to the byte; conflicts are told and nothing is written over', async () => {
  const build = "printf '\\000\\377\\r\\n' > out/data; chmod 750 out/data; ln -s data out/link";
  const builder = scriptedModel((options) => {
    const text = JSON.stringify(options.prompt);
    if (options.prompt.some(({ role }) => role === 'assistant')) return 'built';
    const command = text.includes('again') ? 'echo other > out/data' : build;
    return [{ tool: 'shell', input: { command, yield_ms: 60_000 } }];
  });
  const shell = (command: string): ScriptedTurn => [
    { tool: 'shell', input: { command, yield_ms: 60_000 } },
  ];
  const model = scriptedModel([
    shell('echo mine > mine'),
    [{ tool: 'delegate', input: { task: 'build' } }],
    shell("od -An -tx1 out/data | tr -d ' \\n'; stat -c ' %a' out/data; readlink out/link; ls"),
    [{ tool: 'delegate', input: { task: 'build again' } }],
    [{ tool: 'ask', input: { task: 'build' } }],
    shell('stat -c %s out/data > size; rm -r out'),
    'done',
  ]);
  const agent = createAgent({ model: builder });
  const entries = { out: { type: 'dir' }, given: { type: 'file', text: 'given' } } as const;
  const fresh = {
    agent,
    from: 'fresh',
    sandbox: { manifest: { spec: 'gantry-manifest/1', entries } },
  } as const;
  const { files } = await runAgent({
    model,
    extensions: [subagent(fresh), subagent({ ...fresh, name: 'ask', changes: 'leave' })],
  });
  const last = JSON.stringify(model.doGenerateCalls.at(-1)?.prompt);
  expect(last).toContain('built\\n[its changes are in the workspace: 2 paths]');
  // What the other sandbox was made of is not among its changes.
  expect(last).toContain('00ff0d0a 750\\ndata\\nmine\\nout\\n');
  expect(last).toContain('others of the same paths: out/data.');
  expect(files).toBe('./mine: mine\n./size: 4\n');
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
