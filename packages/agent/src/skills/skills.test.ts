import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { gitServer } from '../../../core/test/manifest/git-server.ts';
import { runAgent, testDirectory, testHarness } from '../../test/agent-workshop.ts';
import { scriptedModel } from '../../test/scripted-model.ts';
import { createAgent, skills } from '../index.ts';

/** Writes a skill's folder. */
function skillFolder(parent: string, name: string, body = 'Do it so.', more = ''): string {
  const folder = path.join(parent, name);
  mkdirSync(path.join(folder, 'scripts'), { recursive: true });
  writeFileSync(
    path.join(folder, 'SKILL.md'),
    `---\nname: ${name}\ndescription: Does ${name}.\n${more}---\n${body}\n`,
  );
  writeFileSync(path.join(folder, 'scripts/run.sh'), '#!/bin/sh\necho ran\n');
  chmodSync(path.join(folder, 'scripts/run.sh'), 0o755);
  return folder;
}

const script = [
  [{ tool: 'load_skill', input: { name: 'nothing' } }],
  [{ tool: 'load_skill', input: { name: 'sums' } }],
  [{ tool: 'shell', input: { command: '.skills/sums/scripts/run.sh > out', yield_ms: 60_000 } }],
  'done',
];

test('skills of a directory and of a package are listed, and loaded when asked for', async () => {
  const directory = testDirectory();
  skillFolder(directory, 'sums', 'Do it so.', 'license: MIT\nmetadata: { a: b }\n');
  const installed = path.join(directory, 'project/node_modules/some-skills');
  skillFolder(path.join(installed, 'skills'), 'letters');
  writeFileSync(path.join(installed, 'package.json'), '{"name":"some-skills","version":"1.2.3"}');
  const from = pathToFileURL(path.join(directory, 'project/index.js')).href;
  const model = scriptedModel(script);
  const { files, harness } = await runAgent({
    model,
    extensions: [skills({ directory }, { package: 'some-skills', from })],
  });
  expect(files).toContain('./out: ran\n');
  const [first, , third] = model.doGenerateCalls;
  expect(JSON.stringify(first?.prompt)).toContain('- sums: Does sums.\\n- letters: Does letters.');
  expect(JSON.stringify(first?.prompt)).not.toContain('Do it so.');
  expect(JSON.stringify(third?.prompt)).toContain(
    'Do it so.\\n\\nIts files are in .skills/sums: scripts/run.sh.',
  );
  const [run] = await Array.fromAsync(harness.runs());
  const bodies: string[] = [];
  for await (const { sequence, type } of harness.events(run?.run ?? '')) {
    if (type === 'step.recorded')
      bodies.push(JSON.stringify(await harness.body(run?.run ?? '', sequence)));
  }
  expect(bodies.join('\n')).toMatch(
    /"digest":"[0-9a-f]{64}","from":1,"name":"letters","source":"npm:some-skills@1\.2\.3\/letters"/,
  );
});

test('a skill that came with the workspace, as from git, is loaded from there', async () => {
  const model = scriptedModel(script);
  const entry = { type: 'localDir', source: skillFolder(testDirectory(), 'sums') } as const;
  const manifest = { spec: 'gantry-manifest/1', entries: { 'vendor/sums': entry } } as const;
  const { files } = await runAgent(
    { model, extensions: [skills({ workspace: 'vendor' })] },
    { manifest },
  );
  expect(files).toContain('./out: ran\n');
});

test('skills of a git repository are of the commit that was recorded, and taken under the rules for git', async () => {
  const directory = testDirectory();
  const work = path.join(directory, 'work');
  const git = (...command: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...command], {
      ...{ cwd: work, encoding: 'utf8' },
      env: { PATH: process.env['PATH'], HOME: directory, GIT_CONFIG_NOSYSTEM: '1' },
    }).trim();
  mkdirSync(work);
  git('init', '--quiet', '-b', 'main');
  skillFolder(path.join(work, 'skills'), 'sums');
  const commit = (message: string): string => {
    git('add', '.');
    git('commit', '--quiet', '-m', message);
    git('push', '--quiet', path.join(directory, 'repo.git'), 'main');
    return git('rev-parse', 'HEAD');
  };
  execFileSync('git', [
    'init',
    '--quiet',
    '--bare',
    '-b',
    'main',
    path.join(directory, 'repo.git'),
  ]);
  const first = commit('first');
  await using server = await gitServer(directory);
  vi.stubEnv('GIT_SSL_CAINFO', server.certificate);
  onTestFinished(() => void vi.unstubAllEnvs());
  const source = { git: `${server.origin}/repo.git`, ref: 'main', directory: 'skills' };

  const ask = { tool: 'shell', input: { command: 'ask me', yield_ms: 60_000 } };
  const model = scriptedModel([[ask], ...script.slice(1)]);
  const harness = testHarness({ policy: { rules: [{ action: 'ask', command: 'ask me' }] } });
  const run = (): ReturnType<typeof harness.run> => {
    // A process of its own each time: nothing is remembered but what the journal has.
    const agent = createAgent({ model, extensions: [skills(source)] });
    return harness.run('r', { id: 'r' }, async (scope) => {
      await agent.run(scope, 'x');
      return scope.step('out', () => scope.sandbox.files.readText('out'));
    });
  };
  await run();
  skillFolder(path.join(work, 'skills'), 'sums', 'Do it in a new way.');
  commit('second');
  const [asked] = await harness.asks('r');
  await harness.approve('r', asked?.id ?? '', { allow: true, by: 'me' });
  expect(await run()).toMatchObject({ status: 'finished', value: 'ran\n' });
  const last = JSON.stringify(model.doGenerateCalls.at(-1)?.prompt);
  expect(last).toContain('Do it so.');
  const bodies: string[] = [];
  for await (const { sequence, type } of harness.events('r')) {
    if (type === 'step.recorded') bodies.push(JSON.stringify(await harness.body('r', sequence)));
  }
  expect(bodies.join('\n')).toMatch(
    new RegExp(
      `"commit":"${first}".*"digest":"[0-9a-f]{64}".*"source":"git:.*@${first}/skills/sums"`,
    ),
  );
  for (const address of [
    'file:///etc',
    '/etc',
    'http://127.0.0.1/x',
    '--upload-pack=x',
    'ext::sh',
  ]) {
    const refused = skills({ git: address });
    await expect(
      runAgent({ model: scriptedModel(['x']), extensions: [refused] }),
    ).rejects.toMatchObject({ code: 'invalid-argument' });
  }
});

test('a skill that changed while the run waited is refused', async () => {
  const directory = testDirectory();
  skillFolder(directory, 'sums');
  const model = scriptedModel([
    [{ tool: 'shell', input: { command: 'ask me', yield_ms: 60_000 } }],
    [{ tool: 'load_skill', input: { name: 'sums' } }],
    'done',
  ]);
  const harness = testHarness({ policy: { rules: [{ action: 'ask', command: 'ask me' }] } });
  const agent = createAgent({ model, extensions: [skills({ directory })] });
  const run = (): ReturnType<typeof harness.run> =>
    harness.run('r', { id: 'r' }, (scope) => agent.run(scope, 'x'));
  await run();
  const [ask] = await harness.asks('r');
  await harness.approve('r', ask?.id ?? '', { allow: true, by: 'me' });
  skillFolder(directory, 'sums', 'Do something else.');
  await expect(run()).rejects.toThrow('skill sums of');
});

test.each([
  [
    'a link',
    (folder: string) => symlinkSync('/etc/passwd', path.join(folder, 'link')),
    'link is no regular file',
  ],
  [
    'no front matter',
    (folder: string) => writeFileSync(path.join(folder, 'SKILL.md'), 'text'),
    'does not begin with front matter',
  ],
  [
    'a bad name',
    (folder: string) =>
      writeFileSync(path.join(folder, 'SKILL.md'), '---\nname: ../x\ndescription: y\n---\n'),
    'at name',
  ],
  [
    'a key twice',
    (folder: string) =>
      writeFileSync(path.join(folder, 'SKILL.md'), '---\nname: x\nname: x\n---\n'),
    'no YAML',
  ],
  [
    'another of its name',
    (folder: string) => {
      const other = skillFolder(path.dirname(folder), 'two');
      writeFileSync(path.join(other, 'SKILL.md'), '---\nname: sums\ndescription: y\n---\n');
    },
    'there are two called sums',
  ],
])('%s is refused', async (_, spoil, message) => {
  const directory = testDirectory();
  spoil(skillFolder(directory, 'sums'));
  const agent = runAgent({ model: scriptedModel(['x']), extensions: [skills({ directory })] });
  await expect(agent).rejects.toThrow(message);
});
