import { mkdir, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { directoryWith, gantry, gantryJson } from './gantry.ts';

test('a provider that is not installed is said with the command that installs it', async () => {
  const { code, stderr } = await gantry(['exec', '--provider', 'nowhere', '--', 'true']);
  expect(code).toBe(125);
  expect(stderr).toMatch(/^gantry: provider nowhere is not installed\n/);
  expect(stderr).toContain('npm install @gantry/provider-nowhere');
});

test.each([
  ['syntax.mjs', 'const a = 1;\nconst b = ;\n', /syntax\.mjs:2: syntax error: /],
  ['syntax.ts', 'export default (x: number => 1;\n', /syntax\.ts:1: syntax error: /],
  [
    'throws.mjs',
    'throw new Error("no key set");\n',
    /throws\.mjs: error while loading: no key set/,
  ],
  [
    'imports.mjs',
    'import "no-such-package";\n',
    /imports\.mjs: error while loading: .*no-such-package/,
  ],
  ['empty.mjs', 'export const a = 1;\n', /empty\.mjs has no default export/],
  ['number.mjs', 'export default 3;\n', /number\.mjs has a default export that is no provider/],
  [
    'returns.mjs',
    'export default () => ({});\n',
    /returns\.mjs has a default export that returns no/,
  ],
  ['factory.mjs', 'export default () => { throw new Error("bad"); };\n', /its factory failed: bad/],
  ['never.mjs', 'await new Promise(() => {});\n', /the provider stopped working without an answer/],
])('a provider module that is no good is one clear sentence: %s', async (name, source, message) => {
  const cwd = await directoryWith({ [name]: source });
  const { code, stderr, text } = await gantry(['exec', '--provider', `./${name}`, '--', 'true'], {
    cwd,
  });
  expect({ code, text }).toEqual({ code: 125, text: '' });
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^gantry: /);
  expect(stderr).not.toMatch(/^\s+at /m);
});

test('a path names a module, also through GANTRY_PROVIDER; GANTRY_DEBUG shows where it failed', async () => {
  const provider = './fixtures/unconfined.ts';
  const { json } = await gantryJson<{ ref: { provider: string } }>(
    ['exec', '--json', '--', 'true'],
    { env: { GANTRY_PROVIDER: provider } },
  );
  expect(json.ref.provider).toBe('local');
  const env = { GANTRY_DEBUG: '1' };
  const { stderr } = await gantry(['exec', '--provider', './missing.mjs', '--', 'true'], { env });
  expect(stderr).toMatch(/there is no provider module .*missing\.mjs\n/);
  expect(stderr).toMatch(/^\s+at /m);
});

test('a package comes from the working directory before any other place', async () => {
  const cwd = await realpath(await directoryWith({}));
  const folder = path.join(cwd, 'node_modules/@gantry/provider-local');
  await mkdir(folder, { recursive: true });
  const exports = { '.': { import: './entry.mjs' } };
  const manifest = { name: '@gantry/provider-local', version: '9.9.9', type: 'module', exports };
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest));
  await writeFile(path.join(folder, 'entry.mjs'), 'throw new Error("the one of the user");\n');
  const { stderr } = await gantry(['exec', '--', 'true'], { cwd });
  expect(stderr).toContain(`${folder}/entry.mjs: error while loading: the one of the user`);
});

test('providers lists what is there, with versions, isolation and capabilities', async () => {
  const { code, text } = await gantry(['providers', '--provider', './fixtures/unconfined.ts']);
  expect(code).toBe(0);
  const lines = text.split('\n');
  expect(lines[0]).toMatch(/^NAME +VERSION +STATUS +ISOLATION +CAPABILITIES$/);
  expect(lines.find((line) => line.startsWith('local'))).toMatch(
    /^local +\d+\.\d+\.\d+ +usable +process +.*inventory/,
  );
  expect(lines.find((line) => line.startsWith('./fixtures'))).toMatch(/ - +usable +none /);
});

test('doctor says what this machine can do, and is 1 when nothing can run', async () => {
  const { code, json } = await gantryJson<{
    ok: boolean;
    providers: { name: string; findings: object[] }[];
  }>(['doctor', '--json']);
  expect({ code, ok: json.ok }).toEqual({ code: 0, ok: true });
  expect(json.providers[0]?.findings.length).toBeGreaterThan(0);
  const text = await gantry(['doctor']);
  expect(text.text).toMatch(/^Node \d+.*\n\nok local: works here/);

  const cwd = await directoryWith({});
  const folder = path.join(cwd, 'node_modules/@gantry/provider-local');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), '{"version":"0.0.1","exports":"./a.mjs"}');
  await writeFile(path.join(folder, 'a.mjs'), 'throw new Error("broken copy");\n');
  const broken = await gantry(['doctor'], { cwd, env: { DOCKER_HOST: 'unix:///nowhere' } });
  expect(broken.code).toBe(1);
  expect(broken.text).toMatch(/no local: .*broken copy\n[^]*\n\nNo provider can run/);
});

test('without a Docker daemon, exec says what to do in one sentence and doctor names the control', async () => {
  const env = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };
  const ended = await gantry(['exec', '--provider', 'docker', '--', 'true'], { env });
  expect(ended).toMatchObject({ code: 125, text: '' });
  expect(ended.stderr).toMatch(/^gantry: .*the Docker daemon cannot be reached .*DOCKER_HOST/);
  expect(ended.stderr).not.toMatch(/^\s+at /m);
  const { json } = await gantryJson<{ providers: { name: string; findings: object[] }[] }>(
    ['doctor', '--json'],
    { env },
  );
  expect(json.providers.find(({ name }) => name === 'docker')).toMatchObject({
    usable: false,
    findings: [{ control: 'docker daemon', ok: false }],
  });
});
