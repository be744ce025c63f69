import type { Manifest } from '@gantry/core';
import { digestManifest, planManifest, resolveManifest } from '@gantry/core/manifest';
import { must, type Check } from '../../check.ts';

const spec = 'gantry-manifest/1' as const;

export const manifestPlanChecks: readonly Check[] = [
  must(
    'core/manifest-paths',
    'manifest-paths',
    'paths that leave the workspace or collide are refused',
    async (t) => {
      const { provider, counts } = t.counted();
      const file = { type: 'file', text: 'x' } as const;
      const bad = [
        '../x',
        '/etc/x',
        'a/../../x',
        'a//b',
        '.',
        './a',
        '',
        'a\0b',
        'a\nb',
        'C:\\x',
        'a\\b',
        'a/',
      ];
      for (const name of bad) {
        await t.rejects(
          'invalid-argument',
          () => t.create({ manifest: { spec, entries: { [name]: file } } }, provider),
          `path ${JSON.stringify(name)}`,
        );
      }
      for (const entries of [
        { A: file, a: file },
        { 'e\u0301': file, '\u00e9': file },
        { a: file, 'a/b': file },
      ]) {
        await t.rejects(
          'invalid-argument',
          () => t.create({ manifest: { spec, entries } }, provider),
          `paths ${Object.keys(entries).join(' and ')}`,
        );
      }
      t.equal(counts.total(), 0, 'calls of the driver');
      const good = await t.create({ manifest: { spec, entries: { 'a/b c': file } } }, provider);
      t.equal(await good.files.readText('a/b c'), 'x', 'a good path');
    },
  ),
  must(
    'core/manifest-plan-refuses',
    'manifest-plan-refuses',
    'what cannot be honoured is listed and refused, all of it',
    async (t) => {
      const { provider, counts } = t.counted();
      const manifest: Manifest = {
        spec,
        entries: {
          data: { type: 's3', bucket: 'example' },
          more: { type: 'gcs', bucket: 'example' },
        },
      };
      const error = await t.rejects(
        'unsupported',
        () => t.create({ manifest }, provider),
        'create with buckets',
      );
      t.match(JSON.stringify(error.toJSON()), /s3[\s\S]*gcs/, 'both refusals, in the error');
      t.equal(counts.total(), 0, 'calls of the driver');
      const good = await t.create(
        { manifest: { spec, entries: { data: { type: 'dir' } } } },
        provider,
      );
      t.equal((await good.files.stat('data')).type, 'directory', 'a manifest that can be honoured');
    },
  ),
  must(
    'core/manifest-plan-pure',
    'manifest-plan-pure',
    "a plan's digest covers contents and policy, not labels and environment",
    async (t) => {
      const digestOf = async (manifest: Manifest): Promise<string> => {
        const call = { signal: t.signal };
        const resolved = await resolveManifest(manifest, { baseDirectory: process.cwd(), call });
        return planManifest(resolved, { provider: t.provider.id, capabilities: t.capabilities })
          .digest;
      };
      const base: Manifest = { spec, entries: { a: { type: 'file', text: 'x' } } };
      const plain = await digestOf(base);
      t.equal(
        await digestOf({ ...base, labels: { a: 'b' }, env: { A: 'b' } }),
        plain,
        'digest with labels and environment',
      );
      t.ok(
        (await digestOf({ ...base, entries: { a: { type: 'file', text: 'y' } } })) !== plain,
        'other contents give the same digest',
      );
      const sandbox = await t.create({ manifest: base });
      t.equal(sandbox.receipt?.planDigest, plain, "the receipt's plan digest");
      t.equal(await sandbox.files.readText('a'), 'x', 'contents');
    },
  ),
  must(
    'core/manifest-digest',
    'manifest-digest',
    'manifests that mean the same have one digest, in the receipt too',
    async (t) => {
      const one: Manifest = {
        spec,
        name: 'n',
        entries: { a: { type: 'dir' }, b: { type: 'file', text: 'x' } },
      };
      const two: Manifest = {
        entries: { b: { text: 'x', type: 'file' }, a: { type: 'dir' } },
        name: 'n',
        spec,
      };
      t.equal(digestManifest(one), digestManifest(two), 'digests of two orders of keys');
      t.ok(
        digestManifest({ ...one, name: 'm' }) !== digestManifest(one),
        'another name has the same digest',
      );
      const sandbox = await t.create({ manifest: two });
      t.equal(
        sandbox.receipt?.manifestDigest,
        digestManifest(one),
        "the receipt's manifest digest",
      );
      t.equal(await sandbox.files.readText('b'), 'x', 'contents');
    },
  ),
  must(
    'core/manifest-batched',
    'manifest-batched',
    'fifty entries take at most three driver calls',
    async (t) => {
      const { provider, counts } = t.counted();
      const entries = Object.fromEntries(
        Array.from(
          { length: 50 },
          (_, index) => [`d${index % 5}/f${index}`, { type: 'file', text: `${index}` }] as const,
        ),
      );
      const sandbox = await t.create({ manifest: { spec, entries } }, provider);
      const calls = counts.total() - (counts.byOperation.get('create') ?? 0);
      t.ok(calls <= 3, `materializing took ${calls} calls of the driver`);
      t.equal(await sandbox.files.readText('d4/f49'), '49', 'the last file');
      t.equal(
        sandbox.receipt?.entries.filter(({ type }) => type === 'file').length,
        50,
        'files in the receipt',
      );
    },
  ),
  must(
    'core/manifest-setup',
    'manifest-setup',
    'set-up commands run in order in the workspace; the first failure fails the create',
    async (t) => {
      const setup = [
        'pwd >/dev/null; echo 1 >> log',
        ['sh', '-c', 'echo "2 $1" >> log', 'sh', 'a b'],
      ] as const;
      const sandbox = await t.create({
        manifest: { spec, setup, entries: { log: { type: 'file', text: '0\n' } } },
      });
      t.equal(await sandbox.files.readText('log'), '0\n1\n2 a b\n', 'what the commands wrote');
      t.equal(sandbox.receipt?.setup.length, 2, 'commands in the receipt');
      const failing: Manifest = { spec, setup: ['echo said; echo why >&2; exit 9', 'touch never'] };
      const error = await t.rejects(
        'failed-precondition',
        () => t.create({ manifest: failing }),
        'create whose set-up fails',
      );
      t.match(
        JSON.stringify(error.details),
        /said[\s\S]*why|why[\s\S]*said/,
        'output of the command, in the error',
      );
    },
  ),
];
