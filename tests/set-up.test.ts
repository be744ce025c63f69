import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from '../scripts/repository.ts';

// What the set-up says on a machine that it cannot use. The machine is pretended, the script is the real one.

const run = promisify(execFile);

async function refusal(
  pretence: string,
  task = 'start',
  searchPath = process.env['PATH'],
): Promise<{ code: number; stderr: string }> {
  const script = path.join(root, 'scripts', 'set-up.cjs');
  const program = `${pretence}; process.argv = ['node', ${JSON.stringify(script)}, ${JSON.stringify(task)}]; require(${JSON.stringify(script)});`;
  const environment = { ...process.env, PATH: searchPath };
  const ended: { code: number; stderr: string } = await run(process.execPath, ['-e', program], {
    env: environment,
  }).then(
    () => ({ code: 0, stderr: '' }),
    (error: { code: number; stderr: string }) => error,
  );
  return { code: ended.code, stderr: ended.stderr };
}

test.each([
  ['another system', "Object.defineProperty(process, 'platform', { value: 'darwin' })", 'darwin'],
  ['another processor', "Object.defineProperty(process, 'arch', { value: 'riscv64' })", 'riscv64'],
  [
    'an old Node',
    "Object.defineProperty(process, 'versions', { value: { node: '18.20.4' } })",
    '18.20.4',
  ],
])('%s gets one clear sentence', async (_name, pretence, named) => {
  const { code, stderr } = await refusal(pretence);
  expect(code).toBe(69);
  expect(stderr).toContain(named);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

test('a user without the right to install gets the one command to run', async () => {
  // A search path with nothing but apt-get: every program that sandboxes need is missing.
  const pretence = [
    "const fs = require('fs')",
    'const real = fs.accessSync',
    "fs.accessSync = (file, mode) => { if (!file.endsWith('/apt-get')) { const e = new Error('absent'); e.code = 'ENOENT'; throw e; } if (file !== '/pretended/apt-get') real(file, mode); }",
    'process.getuid = () => 1000',
  ].join('; ');
  const { code, stderr } = await refusal(pretence, 'start', '/pretended');
  expect(code).toBe(69);
  expect(stderr).toContain(
    'sudo apt-get install -y --no-install-recommends bubblewrap git util-linux',
  );
});

test('a task that does not exist is refused', async () => {
  expect(await refusal('0', 'nothing')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('TASK') as unknown,
  });
});
