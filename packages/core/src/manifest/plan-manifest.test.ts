import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { caught } from '../../test/manifest/caught.ts';
import { freshCall, hostWorkspace, traits } from '../../test/manifest/host-workspace-target.ts';
import type { Capabilities } from '../contract/capabilities.ts';
import type { Manifest } from '../contract/manifest-types.ts';
import { formatPlan } from './format-plan.ts';
import { materialize } from './materialize.ts';
import { planManifest } from './plan-manifest.ts';
import type { Plan } from './plan-types.ts';
import { resolveManifest } from './resolve-manifest.ts';
import { temporaryDirectory } from './temporary-directory.ts';

async function plan(
  manifest: Omit<Manifest, 'spec'>,
  capabilities: Omit<Capabilities, 'traits'> = {},
  baseDirectory = '/',
): Promise<Plan> {
  const options = { baseDirectory, call: freshCall() };
  const resolved = await resolveManifest({ spec: 'gantry-manifest/1', ...manifest }, options);
  return planManifest(resolved, { provider: 'host', capabilities: { traits, ...capabilities } });
}

const everything: Omit<Manifest, 'spec'> = {
  image: 'debian',
  root: 'read-only',
  privilege: 'guest-root',
  user: 'app',
  secrets: { TOKEN: { from: 'env:TOKEN', hosts: ['api.example'] } },
  network: { mode: 'open' },
  resources: { cpus: 1, pids: 10 },
  ports: [80, 81],
  maxLifetimeMs: 5000,
  entries: {
    b: { type: 's3', bucket: 'x' },
    m: { type: 'hostMount', source: '/usr' },
    f: { type: 'file', text: 'hello' },
  },
};

test('everything that a provider cannot do is refused, and nothing else', async () => {
  const refused = (await plan(everything, { lifetime: { maxMs: 1000 } })).refused;
  expect(refused.map(({ path: at, field }) => at ?? field ?? '').toSorted()).toEqual([
    'b',
    'image',
    'm',
    'maxLifetimeMs',
    'network',
    'ports',
    'privilege',
    'resources.cpus',
    'resources.pids',
    'root',
    'secrets.TOKEN',
    'user',
  ]);
  const able = await plan(everything, {
    images: {},
    users: {},
    root: { modes: ['read-only'] },
    privilege: { modes: ['none', 'guest-root'] },
    network: { modes: ['open'], live: false },
    resources: { settable: ['cpus', 'pids'] },
    ports: { maxOpen: 2 },
    mounts: { kinds: ['hostMount'] },
    lifetime: {},
  });
  expect(able.refused.map(({ path: at, field }) => at ?? field)).toEqual(['b', 'secrets.TOKEN']);
  expect((await plan({ ports: [1, 2, 3] }, { ports: { maxOpen: 2 } })).refused).toHaveLength(1);
  expect((await plan({ network: { mode: 'none' } })).refused).toEqual([]);
});

test('a provider that sets headers by itself takes secrets that name one, and the plan says who sends them', async () => {
  const network: Manifest['network'] = {
    mode: 'allow-list',
    allow: ['api.example', '*.web.example', 'in.web.example'],
  };
  const rule = { from: 'env:A', hosts: ['api.example'], header: 'authorization' };
  const capabilities = {
    network: { modes: ['allow-list'], live: true },
    secrets: { inject: ['header'] },
  } as const;
  const of = (secrets: Manifest['secrets'] & object): Promise<Plan> =>
    plan({ network, secrets }, capabilities);

  const able = await of({ A: rule, B: { ...rule, hosts: ['*.web.example'], header: 'x-key' } });
  expect(able.refused).toEqual([]);
  expect(able.secrets).toEqual([
    { name: 'A', hosts: ['api.example'], by: 'provider' },
    { name: 'B', hosts: ['*.web.example'], by: 'provider' },
  ]);
  expect(formatPlan(able)).toContain('A for api.example, put into requests by the provider');
  expect((await plan({ network })).digest).toBe(able.digest);

  const twice = { ...rule, hosts: ['in.web.example'], header: 'Authorization' };
  const wide = { ...rule, hosts: ['*.web.example'] };
  const { refused } = await of({ A: twice, B: wide, C: { ...rule, hosts: ['one.web.example'] } });
  const clash = 'another secret is for the header authorization of in.web.example, too';
  expect(refused).toMatchObject([
    { field: 'secrets.A', reason: clash },
    { field: 'secrets.B', reason: clash },
    { field: 'secrets.C', reason: expect.stringContaining('name one.web.example there') as string },
  ]);
});

test('secrets need a provider that keeps them out of the sandbox, by the ways that it has', async () => {
  const hosts = ['api.example'];
  const secrets = {
    A: { from: 'env:A', hosts },
    B: { from: 'env:B', hosts, header: 'x-key' },
    C: { from: 'env:C', hosts, query: 'key' },
    D: { from: 'env:D', expose: 'acknowledged' },
  } as const;
  const fields = async (capabilities: Parameters<typeof plan>[1]): Promise<unknown[]> =>
    (await plan({ secrets, env: { B: '1' } }, capabilities)).refused.map(({ field }) => field);
  expect(await fields({})).toEqual(['secrets.A', 'secrets.B', 'secrets.C']);
  expect(await fields({ secrets: { inject: ['placeholder', 'header'] } })).toEqual([
    'secrets.B',
    'secrets.C',
  ]);
  expect(await fields({ secrets: { inject: ['placeholder', 'header', 'query'] } })).toEqual([
    'secrets.B',
  ]);
});

test('whoever carries out a plan with refusals gets one error with all of them, and nothing happens', async () => {
  await using workspace = await hostWorkspace();
  const resolved = await resolveManifest(
    { spec: 'gantry-manifest/1', ...everything },
    { baseDirectory: '/', call: freshCall() },
  );
  const refusing = planManifest(resolved, { provider: 'host', capabilities: { traits } });
  const error = await caught(() => materialize(resolved, refusing, workspace, freshCall()));
  expect(error.code).toBe('unsupported');
  expect(error.details['refused']).toEqual(refusing.refused);
  for (const { reason } of refusing.refused) expect(error.message).toContain(reason);
  expect(workspace.calls).toEqual([]);
});

test('the digest covers provider, policy and contents, and not labels, env, secrets or times', async () => {
  await using temporary = await temporaryDirectory('test');
  const write = (text: string, mode = 0o644): void => {
    mkdirSync(path.join(temporary.path, 'd'), { recursive: true });
    writeFileSync(path.join(temporary.path, 'd', 'f'), text, { mode });
  };
  write('one');
  const entries: Manifest['entries'] = { d: { type: 'localDir', source: 'd' } };
  const digest = async (manifest: Omit<Manifest, 'spec'>): Promise<string> =>
    (await plan(manifest, {}, temporary.path)).digest;
  const first = await digest({ entries });
  const same = {
    entries,
    labels: { a: 'b' },
    env: { A: 'x' },
    secrets: { B: { from: 'env:B', hosts: ['b.example'] } },
    name: 'n',
  };
  write('one');
  expect(await digest(same)).toBe(first);
  const others: Omit<Manifest, 'spec'>[] = [
    { entries, user: 'u' },
    { entries, setup: ['true'] },
    { entries, network: { mode: 'open' } },
    { entries: { ...entries, e: { type: 'dir' } } },
    { entries: { e: { type: 'localDir', source: 'd' } } },
  ];
  const digests = await Promise.all(others.map(digest));
  expect(new Set([...digests, first]).size).toBe(others.length + 1);
  write('two');
  expect(await digest({ entries })).not.toBe(first);
});

test('a plan is plain JSON, prints nothing that a terminal obeys, and names what it refuses', async () => {
  const made = await plan({ ...everything, setup: ['printf "\u001b[2J"', ['touch', 'a b']] });
  expect(JSON.parse(JSON.stringify(made))).toEqual(made);
  const text = formatPlan(made);
  expect(text).not.toContain('\u001b');
  expect(text).toContain(`plan ${made.digest}\n`);
  expect(text).toContain('  f (file) 1 file, 5 bytes sha256:');
  expect(text).toContain('  /workspace/m <- /usr (read-only)\n');
  expect(text).toContain('  ["touch","a b"]\n');
  expect(text).toContain('  b: s3 mounts are not supported yet\n');
});
