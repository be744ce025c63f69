import { randomUUID } from 'node:crypto';
import { chmod, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { directoryWith, gantry, gantryJson, sandboxesLabelled } from './gantry.ts';

function job(label: string, entries: Readonly<Record<string, object>>, more: object = {}): string {
  const labels = { 'cli-test': label };
  return JSON.stringify({ spec: 'gantry-manifest/1', labels, entries, ...more });
}

const copyJob = {
  'input/records.txt': { type: 'localFile', source: 'records.txt' },
  'copy.sh': {
    type: 'file',
    text: 'tr a-z A-Z < input/records.txt > results/records.txt\n',
    mode: '0755',
  },
  results: { type: 'output' },
  'log.txt': { type: 'output', kind: 'file' },
};

test('makes the workspace, runs the command, fetches the outputs and sums up', async () => {
  const label = randomUUID();
  const cwd = await directoryWith({ 'job.json': job(label, copyJob), 'records.txt': 'one two\n' });
  const result = await gantry(['run', 'job.json', '--', 'sh', '-c', 'sh copy.sh && echo done'], {
    cwd,
  });
  expect(result).toMatchObject({ code: 0, text: 'done\n' });
  expect(await readFile(path.join(cwd, 'gantry-output/results/records.txt'), 'utf8')).toBe(
    'ONE TWO\n',
  );
  expect(result.stderr).toMatch(/^ {2}sandbox +local .*, destroyed$/m);
  expect(result.stderr).toMatch(/^ {2}plan +sha256:[0-9a-f]{64}$/m);
  expect(result.stderr).toMatch(/^ {2}command +exit code 0 in /m);
  expect(result.stderr).toMatch(/^ {2}outputs +1 file, 1 directory, 8 bytes in .*gantry-output$/m);
  expect(result.stderr).toMatch(/^ {2}not there +log\.txt$/m);
  expect(await sandboxesLabelled(label)).toEqual([]);
});

test('a command that fails keeps its exit code, and what it left is still fetched', async () => {
  const label = randomUUID();
  const cwd = await directoryWith({
    'job.json': job(label, {
      out: { type: 'output' },
      'must.txt': { type: 'output', kind: 'file', required: true },
    }),
  });
  const failing = await gantry(['run', 'job.json', '--', 'sh', '-c', 'exit 3'], { cwd });
  expect(failing.code).toBe(3);
  expect(failing.stderr).toMatch(/gantry: the outputs could not be collected: .*must\.txt/);
  // The same loss is gantry's own failure when the command itself found nothing wrong.
  const quiet = await gantry(['run', 'job.json', '--', 'true'], { cwd });
  expect(quiet.code).toBe(125);
  expect(quiet.stderr).toMatch(/^gantry: .*must\.txt/m);
  expect(await sandboxesLabelled(label)).toEqual([]);
});

interface RunDocument {
  readonly id: string;
  readonly receipt: {
    readonly entries: readonly { readonly path: string; readonly sha256?: string }[];
  };
  readonly command: { readonly exit: { readonly code: number } };
  readonly stdout: { readonly text: string };
  readonly collected: { readonly entries: readonly { readonly path: string }[] };
  readonly kept: boolean;
}

test('--keep leaves the sandbox, --json has receipts and output, --output says where', async () => {
  const label = randomUUID();
  const cwd = await directoryWith({ 'job.json': job(label, copyJob), 'records.txt': 'one\n' });
  const args = ['run', 'job.json', '--json', '--keep', '--output', 'elsewhere', '--'];
  const { code, json, stderr } = await gantryJson<RunDocument>(
    [...args, 'sh', '-c', 'sh copy.sh; echo hi'],
    { cwd },
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(json).toMatchObject({
    kept: true,
    command: { exit: { code: 0 } },
    stdout: { text: 'hi\n' },
  });
  const copied = json.receipt.entries.find((one) => one.path === 'input/records.txt');
  expect(copied?.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(json.collected.entries.map((one) => one.path)).toContain('results/records.txt');
  expect(await readdir(path.join(cwd, 'elsewhere'))).toEqual(['results']);
  expect(await sandboxesLabelled(label)).toEqual([json.id]);
  expect((await gantry(['destroy', json.id])).code).toBe(0);
});

test('a set-up command that fails is an error of gantry, and leaves nothing', async () => {
  const label = randomUUID();
  const setup = ['echo no compiler >&2; exit 9'];
  const cwd = await directoryWith({ 'job.json': job(label, {}, { setup }) });
  const { code, stderr } = await gantry(['run', 'job.json', '--', 'true'], { cwd });
  expect(code).toBe(125);
  expect(stderr).toContain('no compiler');
  expect(await sandboxesLabelled(label)).toEqual([]);
});

test('a local source that cannot be read is named, and nothing is made', async () => {
  const label = randomUUID();
  // Root may read a file of any mode, but nobody may read this one from its start.
  const unreadable = process.getuid?.() === 0 ? '/proc/self/mem' : 'secret.txt';
  const cwd = await directoryWith({
    'unreadable.json': job(label, { a: { type: 'localFile', source: unreadable } }),
    'missing.json': job(label, { a: { type: 'localFile', source: 'no-such.txt' } }),
    'secret.txt': 'x',
  });
  await chmod(path.join(cwd, 'secret.txt'), 0);
  for (const [file, source] of [
    ['unreadable.json', unreadable],
    ['missing.json', 'no-such.txt'],
  ] as const) {
    const { code, stderr } = await gantry(['run', file, '--', 'true'], { cwd });
    expect(code).toBe(125);
    expect(stderr).toMatch(/^gantry: /);
    expect(stderr).toContain(path.basename(source));
  }
  expect(await sandboxesLabelled(label)).toEqual([]);
});
