import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { memoryStore } from '@gantry/core/snapshot';
import { GantrySandboxClient } from '@gantry/openai-agents';
import { local } from '@gantry/provider-local';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { chatAnswer, wireServer } from '../../agent/test/wire-server.ts';
import type { SnapshotSpec } from '@openai/agents/sandbox';
import type { ScriptedModel } from '@openai/agents/testing';
import { sdk, sdkVersions } from './sdk-versions.ts';
import { scripted, shown, toolOutputs } from './scripted.ts';

// The flows that the SDK's documentation shows, each with every version, unmodified, on real sandboxes.

const scratch = mkdtempSync(path.join(tmpdir(), 'gantry-agents-'));
const provider = local({ stateDirectory: path.join(scratch, 'state') });
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function sandboxesLeft(): Promise<number> {
  return (await Array.fromAsync(provider.list())).length;
}
afterEach(async () => {
  // oxlint-disable-next-line vitest/no-standalone-expect -- what each test must have left
  expect(await sandboxesLeft()).toBe(0);
});

describe.each(sdkVersions)('the SDK %s', (version) => {
  const copy = sdk(version);
  const { Agent, Manifest, run, SandboxAgent, shell, filesystem, skills, memory } = copy;
  const { OpenAIProvider } = copy;
  const client = new GantrySandboxClient({ provider });

  test('basic: a manifest, commands with real exit codes, a clean end', async () => {
    const model = scripted(copy, [
      ['exec_command', { cmd: 'cat notes/hello.txt; echo $LEVEL >&2; exit 3' }],
      ['exec_command', { cmd: 'kill -KILL $$' }],
      ['exec_command', { cmd: 'stat -c %a:%n tool.sh deep/er' }],
    ]);
    const agent = new SandboxAgent({
      name: 'reader',
      model,
      defaultManifest: new Manifest({
        entries: {
          'notes/hello.txt': { type: 'file', content: 'hello\n' },
          'tool.sh': { type: 'file', content: 'true', permissions: 0o700 },
          deep: { type: 'dir', children: { er: { type: 'dir', permissions: 'drwxrwx---' } } },
        },
        environment: { LEVEL: 'two' },
      }),
    });
    const result = await run(agent, 'read it', { sandbox: { client } });
    expect(result.finalOutput).toBe('done');
    const [first = '', second = '', third] = toolOutputs(model);
    expect(first).toMatch(
      /^Chunk ID: [0-9a-f]{6}\nWall time: [\d.]+ seconds\nProcess exited with code 3\nOutput:\n/,
    );
    expect(shown(first).split('\n').toSorted()).toEqual(['', 'hello', 'two']);
    expect(second).toContain('Process exited with code 137');
    expect(shown(third)).toBe('700:tool.sh\n770:deep/er\n');
  });

  test('without any manifest, and with the manifest of another copy of the SDK', async () => {
    const model = scripted(copy, [['exec_command', { cmd: 'pwd' }]]);
    await run(new SandboxAgent({ name: 'plain', model }), 'where?', { sandbox: { client } });
    expect(shown(toolOutputs(model)[0])).toBe('/workspace\n');

    const other = sdk(sdkVersions.find((candidate) => candidate !== version) ?? '');
    const foreign = new other.Manifest({
      entries: { 'a.txt': { type: 'file', content: 'of another copy' } },
      environment: { ONE: 'one', TWO: () => 'two' },
    });
    const session = await client.create(foreign);
    const second = scripted(copy, [['exec_command', { cmd: 'cat a.txt; echo " $ONE $TWO"' }]]);
    const agent = new SandboxAgent({ name: 'foreign', model: second });
    await run(agent, 'go', { sandbox: { client, session } });
    await session.close();
    expect(shown(toolOutputs(second)[0])).toBe('of another copy one two\n');
  });

  test('a terminal: typed into, with the exit code of its program', async () => {
    const model = scripted(copy, [
      [
        'exec_command',
        { cmd: 'stty -echo; tty; read code; exit $code', tty: true, yield_time_ms: 0 },
      ],
      ['write_stdin', { session_id: 1, chars: '7\n', yield_time_ms: 60_000 }],
      ['exec_command', { cmd: 'echo up; sleep 1000', yield_time_ms: 0 }],
      ['write_stdin', { session_id: 2, chars: 'text' }],
      ['write_stdin', { session_id: 2, chars: '\u0003', yield_time_ms: 60_000 }],
      ['write_stdin', { session_id: 1 }],
    ]);
    const agent = new SandboxAgent({ name: 'typist', model, capabilities: [shell()] });
    await run(agent, 'type', { sandbox: { client } });
    const outputs = toolOutputs(model);
    expect(outputs[0]).toContain('Process running with session ID 1');
    expect(outputs[1]).toContain('Process exited with code 7');
    expect(outputs.slice(0, 2).map(shown).join('')).toContain('/dev/pts/');
    expect(outputs[2]).toContain('Process running with session ID 2');
    expect(outputs[3]).toContain('start it with tty=true');
    expect(outputs[4]).toContain('Process exited with code 130');
    expect(outputs[5]).toContain('session not found: 1');
  });

  test('apply_patch: the hosted tool and the function', async () => {
    const operations = [
      { type: 'create_file', path: 'src/a.txt', diff: '+one\n+two\n+three\n' },
      { type: 'update_file', path: 'src/a.txt', diff: '@@\n one\n-two\n+2\n three\n' },
      { type: 'update_file', path: 'src/a.txt', diff: '@@\n-nowhere\n+x\n' },
      { type: 'update_file', path: 'src/a.txt', diff: '@@\n-one\n+1\n', moveTo: 'b.txt' },
      { type: 'create_file', path: '../../etc/x', diff: '+x\n' },
    ];
    const cat = ['exec_command', { cmd: 'cat b.txt; ls src' }] as const;
    const model = scripted(copy, [...operations.map((each) => ['patch', each] as const), cat]);
    const agent = new SandboxAgent({
      name: 'editor',
      model,
      capabilities: [shell(), filesystem()],
    });
    await run(agent, 'edit', { sandbox: { client } });
    const outputs = toolOutputs(model);
    expect(outputs.slice(0, 5).map((output) => output.split(':')[0])).toEqual([
      'completed',
      'completed',
      'failed',
      'completed',
      'failed',
    ]);
    expect(shown(outputs[5])).toBe('1\n2\nthree\n');
  });

  test('apply_patch of a model that is spoken with by chat completions: a function, in each of its forms', async () => {
    const patch = (...lines: readonly string[]): string =>
      ['*** Begin Patch', ...lines, '*** End Patch'].join('\n');
    const calls = [
      { patch: patch('*** Add File: a.txt', '+one', '+two', '*** Add File: b.txt', '+b') },
      { operation: { type: 'update_file', path: 'a.txt', diff: '@@\n one\n-two\n+2\n' } },
      { command: ['apply_patch', patch('*** Update File: a.txt', '@@', '-nowhere', '+x')] },
      { operations: [{ type: 'delete_file', path: 'b.txt' }] },
    ];
    const server = await wireServer({
      '/v1/chat/completions': [
        ...calls.map((input, index) =>
          chatAnswer({
            tool_calls: [
              {
                ...{ id: `call-${index}`, type: 'function' },
                function: { name: 'apply_patch', arguments: JSON.stringify(input) },
              },
            ],
          }),
        ),
        chatAnswer({
          tool_calls: [
            {
              ...{ id: 'look', type: 'function' },
              function: { name: 'exec_command', arguments: '{"cmd":"head *"}' },
            },
          ],
        }),
        chatAnswer({ content: 'patched' }),
      ],
    });
    const baseURL = `${server.url}/v1`;
    const provided = new OpenAIProvider({ apiKey: 'none', baseURL, useResponses: false });
    const agent = new SandboxAgent({
      name: 'patcher',
      model: await provided.getModel('some-model'),
      capabilities: [shell(), filesystem()],
    });
    const result = await run(agent, 'patch it', { sandbox: { client } });
    expect(result.finalOutput).toBe('patched');
    const { body } = server.requests.at(-1) as {
      body: { tools: { type: string }[]; messages: { role: string; content: string }[] };
    };
    expect(new Set(body.tools.map(({ type }) => type))).toEqual(new Set(['function']));
    const told = body.messages.flatMap(({ role, content }) => (role === 'tool' ? [content] : []));
    expect(told).toHaveLength(5);
    expect(told[2]).toContain('Patch failed: ');
    expect(shown(told[4])).toBe('one\n2\n');
  });

  test('image viewing', async () => {
    const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
    const model = scripted(copy, [
      ['view_image', { path: 'chart.png' }],
      ['view_image', { path: 'missing.png' }],
      ['view_image', { path: 'text.png' }],
    ]);
    const agent = new SandboxAgent({
      name: 'viewer',
      model,
      capabilities: [filesystem()],
      defaultManifest: new Manifest({
        entries: {
          'chart.png': { type: 'file', content: png },
          'text.png': { type: 'file', content: 'no image' },
        },
      }),
    });
    await run(agent, 'look', { sandbox: { client } });
    const [image, missing, text] = toolOutputs(model);
    expect(image).toContain(png.toString('base64'));
    expect(missing).toContain('was not found');
    expect(text).toContain('not a supported image');
  });

  test('skills: in the agent, from a directory, and loaded when needed', async () => {
    const source = path.join(scratch, `skills-${version}`);
    mkdirSync(path.join(source, 'greet'), { recursive: true });
    const text = '---\nname: greet\ndescription: Says hello.\n---\nSay hello.\n';
    writeFileSync(path.join(source, 'greet', 'SKILL.md'), text);
    const withBase = new GantrySandboxClient({ provider, baseDirectory: scratch });
    const own = { name: 'sum', description: 'Adds.', content: 'Add them.' };
    const lazy = copy.localDirLazySkillSource({ src: `skills-${version}`, baseDir: scratch });
    const ways = [
      {
        use: skills({ skills: [own] }),
        calls: [],
        path: '.agents/sum/SKILL.md',
        says: 'Add them.',
      },
      {
        use: skills({
          from: {
            type: 'dir',
            children: { greet: { type: 'local_dir', src: `skills-${version}/greet` } },
          },
        }),
        ...{ calls: [], path: '.agents/greet/SKILL.md', says: text },
      },
      {
        use: skills({ lazyFrom: lazy }),
        calls: [['load_skill', { skill_name: 'greet' }]] as const,
        ...{ path: '.agents/greet/SKILL.md', says: text },
      },
    ];
    for (const { use, calls, path: file, says } of ways) {
      const model = scripted(copy, [...calls, ['exec_command', { cmd: `cat ${file}` }]]);
      const agent = new SandboxAgent({ name: 'skilled', model, capabilities: [shell(), use] });
      await run(agent, 'go', { sandbox: { client: withBase } });
      expect(shown(toolOutputs(model).at(-1))).toBe(says);
      expect(model.firstCall?.request.systemInstructions).toMatch(/greet|sum/);
    }
  });

  test('working directory', async () => {
    const model = scripted(copy, [
      ['exec_command', { cmd: 'pwd' }],
      ['exec_command', { cmd: 'pwd', workdir: 'inner' }],
      ['patch', { type: 'create_file', path: 'here.txt', diff: '+x\n' }],
      ['exec_command', { cmd: 'ls /workspace/app' }],
    ]);
    const agent = new SandboxAgent({
      name: 'placed',
      model,
      defaultManifest: new Manifest({
        entries: { app: { type: 'dir', children: { inner: { type: 'dir' } } } },
      }),
    });
    await run(agent, 'go', { sandbox: { client, cwd: 'app' } });
    const outputs = toolOutputs(model);
    expect([0, 1, 3].map((index) => shown(outputs[index]))).toEqual([
      '/workspace/app\n',
      '/workspace/app/inner\n',
      'here.txt\ninner\n',
    ]);
    const missing = run(agent.clone({}), 'go', { sandbox: { client, cwd: 'nowhere' } });
    await expect(missing).rejects.toThrow(/does not exist/);
  });

  test('handoffs: each agent has the sandbox of its own', async () => {
    const second = scripted(copy, [['exec_command', { cmd: 'ls' }]], 'second is done');
    const writer = new SandboxAgent({
      name: 'writer',
      model: second,
      defaultManifest: new Manifest({ entries: { 'w.txt': { type: 'file', content: 'w' } } }),
    });
    const model = scripted(copy, [
      ['exec_command', { cmd: 'touch first.txt' }],
      ['transfer_to_writer', {}],
    ]);
    const reader = new SandboxAgent({ name: 'reader', model, handoffs: [writer] });
    const result = await run(reader, 'go', { sandbox: { client } });
    expect(result.finalOutput).toBe('second is done');
    expect(shown(toolOutputs(second).at(-1))).toBe('w.txt\n');
  });

  test('agents as tools', async () => {
    const inner = scripted(copy, [['exec_command', { cmd: 'echo 6*7' }]], 'forty-two');
    const worker = new SandboxAgent({ name: 'worker', model: inner });
    const model = scripted(copy, [['compute', { input: 'six times seven' }]]);
    const toolName = 'compute';
    const agent = new Agent({
      name: 'boss',
      model,
      tools: [
        worker.asTool({
          ...{ toolName, toolDescription: 'Computes.' },
          runConfig: { sandbox: { client } },
        }),
      ],
    });
    await run(agent, 'go');
    expect(toolOutputs(model)).toEqual(['forty-two']);
    expect(shown(toolOutputs(inner)[0])).toBe('6*7\n');
  });

  test('own lifecycle: one session, several runs, and more entries', async () => {
    const session = await client.create({ manifest: { entries: {} } });
    const one = scripted(copy, [['exec_command', { cmd: 'echo kept > kept.txt' }]]);
    await run(new SandboxAgent({ name: 'one', model: one }), 'go', { sandbox: { session } });
    expect(await session.running()).toBe(true);
    const two = scripted(copy, [['exec_command', { cmd: 'cat kept.txt added.txt' }]]);
    const agent = new SandboxAgent({
      name: 'two',
      model: two,
      defaultManifest: new Manifest({ entries: { 'added.txt': { type: 'file', content: '+' } } }),
    });
    await run(agent, 'go', { sandbox: { session } });
    expect(shown(toolOutputs(two)[0])).toBe('kept\n+');
    await session.close();
    await session.close();
  });

  test('a snapshot seeds a fresh sandbox, modes and links with it', async () => {
    const seeding = new GantrySandboxClient({ provider, snapshots: memoryStore() });
    const session = await seeding.create();
    await session.execCommand({
      cmd: 'echo "echo ran" > run.sh; chmod 755 run.sh; ln -s run.sh link',
    });
    const snapshot = await session.saveSnapshot();
    await session.close();
    const model = scripted(copy, [['exec_command', { cmd: './link; cat run.sh more.txt' }]]);
    const agent = new SandboxAgent({
      name: 'seeded',
      model,
      defaultManifest: new Manifest({
        entries: {
          'run.sh': { type: 'file', content: 'of the manifest' },
          'more.txt': { type: 'file', content: 'more' },
        },
      }),
    });
    await run(agent, 'go', { sandbox: { client: seeding, snapshot } });
    expect(shown(toolOutputs(model)[0])).toBe('ran\necho ran\nmore');
  });

  const generation = {
    phaseOneModel: new copy.ScriptedModel(
      [1, 2].map(() => [
        copy.assistantMessage(
          '{"rollout_summary":"It was said.","rollout_slug":"said","raw_memory":"Likes tea."}',
        ),
      ]),
    ),
  };
  const consolidating = (): ScriptedModel =>
    scripted(copy, [
      ['exec_command', { cmd: 'echo "The user likes tea." > memories/memory_summary.md' }],
    ]);

  test('memory: generated at the end of a session, kept outside of it', async () => {
    const kept = new Map<string, Uint8Array>();
    const store = {
      read: async (file: string) => kept.get(file) ?? null,
      write: async (file: string, bytes: Uint8Array) => void kept.set(file, bytes),
      delete: async (file: string) => void kept.delete(file),
      list: async (prefix: string) => [...kept.keys()].filter((file) => file.startsWith(prefix)),
    };
    const first = scripted(copy, []);
    const remember = memory({ store, generate: { ...generation, phaseTwoModel: consolidating() } });
    const capabilities = [shell(), filesystem(), remember];
    await run(new SandboxAgent({ name: 'rememberer', model: first, capabilities }), 'I like tea.', {
      sandbox: { client },
    });
    const files = [...kept.entries()].map(
      ([file, bytes]) => `${file} ${Buffer.from(bytes).toString()}`,
    );
    expect(files.find((file) => file.startsWith('memories/raw_memories/'))).toContain('Likes tea.');
    expect(files.find((file) => file.startsWith('sessions/'))).toContain('I like tea.');
  });

  test('memory: kept with the workspace, and told in the next run', async () => {
    const keeping = new GantrySandboxClient({ provider, snapshots: memoryStore() });
    const remember = memory({ generate: { ...generation, phaseTwoModel: consolidating() } });
    const capabilities = [shell(), filesystem(), remember];
    const first = scripted(copy, []);
    const { state } = await run(
      new SandboxAgent({ name: 'rememberer', model: first, capabilities }),
      'I like tea.',
      { sandbox: { client: keeping } },
    );
    const saved = JSON.parse(state.toString()) as {
      sandbox: { sessionState: { snapshot: SnapshotSpec } };
    };
    const { snapshot } = saved.sandbox.sessionState;
    const next = scripted(copy, [['exec_command', { cmd: 'cat memories/memory_summary.md' }]]);
    const reading = [shell(), filesystem(), memory({ generate: false })];
    await run(new SandboxAgent({ name: 'reader', model: next, capabilities: reading }), 'Drink?', {
      sandbox: { client: keeping, snapshot },
    });
    expect(next.firstCall?.request.systemInstructions).toContain('The user likes tea.');
    expect(shown(toolOutputs(next)[0])).toBe('The user likes tea.\n');
  });
});
