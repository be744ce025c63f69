import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Manifest, ManifestEntry } from '../src/contract/manifest-types.ts';
import { defineProvider } from '../src/driver.ts';
import { counting } from '../src/testing.ts';
import { hostDriver } from './host-driver.ts';

const spec = 'gantry-manifest/1';
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gantry-sources-'));
});
afterAll(() => rm(directory, { recursive: true }));

test('fifty inline and local entries and three setup commands take three driver calls', async () => {
  const source = path.join(directory, 'local.txt');
  await writeFile(source, 'from the host');
  const inline = Array.from({ length: 25 }, (_, index): [string, ManifestEntry] => [
    `inline/${index}.txt`,
    { type: 'file', text: `contents ${index}` },
  ]);
  const copied = Array.from({ length: 25 }, (_, index): [string, ManifestEntry] => [
    `local/${index}.txt`,
    { type: 'localFile', source, mode: '0750' },
  ]);
  const manifest: Manifest = {
    spec,
    entries: Object.fromEntries([...inline, ...copied]),
    setup: ['echo one > order', ['sh', '-c', 'echo two >> order'], 'printf %s "$WHO" >> order'],
    env: { WHO: 'three' },
  };
  const { wrapper, counts } = counting();
  await using sandbox = await defineProvider(hostDriver()).wrap(wrapper).create({ manifest });
  expect(counts.byOperation.get('create')).toBe(1);
  expect(counts.total() - 1).toBeLessThanOrEqual(3);
  expect(await sandbox.files.readText('order')).toBe('one\ntwo\nthree');
  const files = sandbox.receipt?.entries.filter(({ type }) => type === 'file') ?? [];
  expect(files).toHaveLength(50);
  const sha256 = createHash('sha256').update('from the host').digest('hex');
  expect(files).toContainEqual({
    path: 'local/7.txt',
    type: 'file',
    mode: '0750',
    size: 13,
    sha256,
  });
  expect(sandbox.receipt?.setup).toHaveLength(3);
});

test('what a provider cannot honour is listed whole and refused before anything is made', async () => {
  const { wrapper, counts } = counting();
  const provider = defineProvider(hostDriver()).wrap(wrapper);
  const manifest: Manifest = {
    spec,
    image: 'debian',
    network: { mode: 'open' },
    resources: { pids: 5 },
    secrets: { TOKEN: { from: 'env:TOKEN', hosts: ['api.example'] } },
    entries: { data: { type: 's3', bucket: 'b' }, host: { type: 'hostMount', source: directory } },
  };
  const error: unknown = await provider.create({ manifest }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'unsupported', outcome: 'not-started', provider: 'host' });
  const { refused } = (error as { details: { refused: { path?: string; field?: string }[] } })
    .details;
  const named = new Set(refused.map((refusal) => refusal.path ?? refusal.field));
  const expected = ['data', 'host', 'image', 'network', 'resources.pids', 'secrets.TOKEN'];
  expect(named).toEqual(new Set(expected));
  expect(counts.total()).toBe(0);
});

test('a setup command that fails says which, and nothing is left', async () => {
  const { wrapper, counts } = counting();
  const setup = ['true', 'echo the reason >&2; exit 7', 'touch never'];
  const create = defineProvider(hostDriver()).wrap(wrapper).create({ manifest: { spec, setup } });
  await expect(create).rejects.toMatchObject({
    code: 'failed-precondition',
    details: { command: setup[1], exitCode: 7, outputTail: 'the reason' },
  });
  expect(counts.byOperation.get('destroy')).toBe(1);
});

test('outputs come out with digests, and the missing ones are named', async () => {
  const manifest: Manifest = {
    spec,
    entries: {
      results: { type: 'output' },
      'report.txt': { type: 'output', kind: 'file' },
      'later.txt': { type: 'output', kind: 'file' },
    },
  };
  await using sandbox = await defineProvider(hostDriver()).create({ manifest });
  await sandbox.exec(
    'mkdir -p results/sub && printf abc > results/sub/a && ln -s sub/a results/link && echo r > report.txt',
  );
  const destination = path.join(directory, 'collected');
  const receipt = await sandbox.collect(destination);
  expect(receipt.missing).toEqual(['later.txt']);
  const sha256 = createHash('sha256').update('abc').digest('hex');
  const found = receipt.entries.find((entry) => entry.path === 'results/sub/a');
  expect(found).toMatchObject({ type: 'file', size: 3, sha256 });
  expect(await readFile(path.join(destination, 'results/link'), 'utf8')).toBe('abc');
  await sandbox.exec('ln -s /etc/passwd results/escape');
  const escape = sandbox.collect(path.join(directory, 'refused'));
  await expect(escape).rejects.toMatchObject({ code: 'failed-precondition', operation: 'collect' });
});

test('apply puts more into a live sandbox and refuses what only create can honour', async () => {
  await using sandbox = await defineProvider(hostDriver()).create();
  expect(sandbox.receipt).toBeUndefined();
  await sandbox.apply({ spec, entries: { 'late.txt': { type: 'file', text: 'late' } } });
  expect(await sandbox.files.readText('late.txt')).toBe('late');
  const error: unknown = await sandbox
    .apply({ spec, env: { A: '1' } })
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'unsupported', details: { fields: ['env'] } });
});

test('sources that leave their directory or change on the way are refused', async () => {
  const leaving = await mkdtemp(path.join(directory, 'leaving-'));
  await symlink('../../../etc/passwd', path.join(leaving, 'out'));
  const entries = { tree: { type: 'localDir', source: leaving } } as const;
  const provider = defineProvider(hostDriver());
  await expect(provider.create({ manifest: { spec, entries } })).rejects.toMatchObject({
    code: 'failed-precondition',
  });
  const changing = path.join(directory, 'changing');
  await writeFile(changing, 'before');
  const change = provider.wrap((driver) => ({
    ...driver,
    async create(request, call) {
      await writeFile(changing, 'after!');
      return driver.create(request, call);
    },
  }));
  const local = { file: { type: 'localFile', source: changing } } as const;
  await expect(change.create({ manifest: { spec, entries: local } })).rejects.toMatchObject({
    code: 'aborted',
  });
});
