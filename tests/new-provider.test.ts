import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../scripts/repository.ts';

// What `npm run new-provider` writes is a provider: it compiles, and the suite runs over it at once.

const run = promisify(execFile);
const tool = (name: string): string => path.join(root, 'node_modules', '.bin', name);
let folder = '';

beforeAll(async () => {
  // Below the tests the workspace's packages resolve as they do for a package of the workspace.
  mkdirSync(path.join(root, 'tests', '.snippets'), { recursive: true });
  folder = path.join(mkdtempSync(path.join(root, 'tests', '.snippets', 'new-')), 'my-vendor');
  const script = path.join(root, 'scripts', 'new-provider.ts');
  await run(process.execPath, [script, 'my-vendor', '--into', folder]);
});

afterAll(() => rmSync(path.dirname(folder), { recursive: true, force: true }));

test('the suite runs over it, and finds what it declares', async () => {
  const parameters = ['conformance', './src/index.ts', '--profile', 'inventory', '--json'];
  const { stdout } = await run(tool('gantry'), parameters, { cwd: folder });
  expect(JSON.parse(stdout)).toMatchObject({
    subject: { name: 'my-vendor', isolation: 'none' },
    profiles: { inventory: { status: 'conformant', supported: false } },
  });
});

test('it runs commands, and compiles', async () => {
  const lines = [
    "import { myVendor } from './src/index.ts';",
    'await using sandbox = await myVendor().create();',
    "const { stdout, exit } = await sandbox.exec('echo hi; exit 3');",
    'process.stdout.write(JSON.stringify([stdout.text, exit]));',
  ];
  const parameters = ['--input-type=module-typescript', '--eval', lines.join('\n')];
  const { stdout } = await run(process.execPath, parameters, { cwd: folder });
  expect(JSON.parse(stdout)).toEqual(['hi\n', { code: 3 }]);
  const options = ['--noEmit', '--allowImportingTsExtensions', '--ignoreConfig'];
  const strict = ['--strict', '--target', 'es2024', '--lib', 'es2024,esnext.disposable'];
  const modules = [
    '--module',
    'nodenext',
    '--types',
    'node',
    '--isolatedDeclarations',
    '--declaration',
  ];
  const compiled = run(
    tool('tsc'),
    [...options, ...strict, ...modules, path.join(folder, 'src/index.ts')],
    { cwd: path.join(root, 'tests') },
  );
  await expect(compiled.catch((error: { stdout?: string }) => error.stdout)).resolves.toMatchObject(
    { stdout: '' },
  );
});

test('its manifest is its own', () => {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as object;
  expect(manifest).toMatchObject({
    name: '@gantry/provider-my-vendor',
    repository: { directory: 'packages/provider-my-vendor' },
  });
  expect(JSON.stringify(manifest)).not.toMatch(/local|skeleton/);
});
