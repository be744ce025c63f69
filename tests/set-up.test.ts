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
  const install = 'sudo apt-get install -y --no-install-recommends';
  const start = await refusal(pretence, 'start', '/pretended');
  expect(start).toMatchObject({ code: 69 });
  expect(start.stderr).toContain(`${install} bubblewrap git util-linux\n`);
  const check = await refusal(pretence, 'check', '/pretended');
  expect(check).toMatchObject({ code: 69 });
  expect(check.stderr).toContain(
    `${install} bubblewrap git util-linux busybox-static openssl docker.io runc iptables chromium\n`,
  );
});

test('no daemon starts because its package is installed, and no trace of that is left', async () => {
  // Everything about the machine is pretended but the order of things.
  const pretence = [
    "const fs = require('fs'); const said = []",
    "fs.accessSync = (file) => { if (!file.endsWith('/apt-get')) throw Object.assign(new Error('absent'), { code: 'ENOENT' }); }",
    'process.getuid = () => 0',
    "const { existsSync } = fs; fs.existsSync = (file) => file === '/usr/sbin/policy-rc.d' ? false : existsSync(file)",
    "fs.writeFileSync = (file, text) => said.push('write ' + file + ' ' + JSON.stringify(text))",
    "fs.unlinkSync = (file) => said.push('remove ' + file)",
    "require('child_process').spawnSync = (command, words) => { said.push(words.join(' ')); return { status: 1 }; }",
    "process.on('exit', () => process.stderr.write(said.join('\\n')))",
  ].join('; ');
  const { code, stderr } = await refusal(pretence, 'check');
  expect(code).toBe(69);
  expect(stderr).toMatch(
    /write \/usr\/sbin\/policy-rc\.d "#!\/bin\/sh\\nexit 101\\n"\n-c .*apt-get install .*docker\.io.*\nremove \/usr\/sbin\/policy-rc\.d$/,
  );
});

test('a task that does not exist is refused', async () => {
  expect(await refusal('0', 'nothing')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('TASK') as unknown,
  });
});
