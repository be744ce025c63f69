import { createHash } from 'node:crypto';
import {
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Manifest } from '@gantry/core';
import { digestManifest, planManifest, resolveManifest } from '@gantry/core/manifest';
import { must, type Check } from '../../check.ts';

const spec = 'gantry-manifest/1' as const;
const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

/** Does something with a temporary directory of the host. */
async function withDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'gantry-conformance-'));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export const manifestChecks: readonly Check[] = [
  must(
    'core/manifest-exact',
    'manifest-exact',
    'contents, modes, links, empty directories and names arrive exactly',
    async (t) => {
      await withDirectory(async (source) => {
        await mkdir(path.join(source, 'deep/empty'), { recursive: true });
        await writeFile(path.join(source, 'run me'), '#!/bin/sh\necho ran\n', { mode: 0o755 });
        await symlink('run me', path.join(source, 'link'));
        await writeFile(path.join(source, 'deep/bytes'), Buffer.from([0, 255, 10, 13, 128]));
        const manifest: Manifest = {
          spec,
          entries: {
            'plain.txt': { type: 'file', text: 'text\nünï' },
            tool: {
              type: 'file',
              base64: Buffer.from([1, 0, 254]).toString('base64'),
              mode: '0750',
            },
            'a/b/empty': { type: 'dir', mode: '0711' },
            copied: { type: 'localDir', source },
            out: { type: 'output' },
          },
        };
        const sandbox = await t.create({ manifest });
        const { files } = sandbox;
        t.equal(await files.readText('plain.txt'), 'text\nünï', 'text');
        t.bytes(await files.readBytes('tool'), Uint8Array.from([1, 0, 254]), 'base64');
        t.equal((await files.stat('tool')).mode, 0o750, 'mode of a file');
        t.equal(
          [(await files.stat('a/b/empty')).mode, (await files.list('a/b/empty')).length],
          [0o711, 0],
          'an empty directory',
        );
        t.equal(
          (await sandbox.exec(['./copied/link'])).stdout.text,
          'ran\n',
          'a program, run through its link',
        );
        t.equal(
          Buffer.from((await files.stat('copied/link')).target ?? []).toString(),
          'run me',
          'target of the link',
        );
        t.bytes(
          await files.readBytes('copied/deep/bytes'),
          Buffer.from([0, 255, 10, 13, 128]),
          'bytes',
        );
        t.equal(
          (await files.stat('copied/deep/empty')).type,
          'directory',
          'an empty directory of the host',
        );
        t.equal((await files.stat('out')).type, 'directory', 'an output');
      });
    },
  ),
  must(
    'core/manifest-receipt',
    'manifest-receipt',
    'the receipt lists each path with type, mode, size and digest',
    async (t) => {
      const entries = {
        'dir/file': { type: 'file', text: 'contents', mode: '0600' },
        empty: { type: 'dir' },
      } as const;
      const sandbox = await t.create({ manifest: { spec, entries } });
      const { receipt } = sandbox;
      const file = receipt?.entries.find((entry) => entry.path === 'dir/file');
      t.equal(
        [file?.type, Number.parseInt(file?.mode ?? '', 8), file?.size, file?.sha256],
        ['file', 0o600, 8, sha256('contents')],
        'entry of the file',
      );
      t.equal(
        receipt?.entries.find((entry) => entry.path === 'empty')?.type,
        'directory',
        'entry of the directory',
      );
      t.match(receipt?.planDigest ?? '', /^(?:sha256:)?[0-9a-f]{64}$/, 'plan digest');
      const more = await sandbox.apply({
        spec,
        entries: { later: { type: 'file', text: 'more' } },
      });
      t.equal(
        more.entries.find((entry) => entry.path === 'later')?.sha256,
        sha256('more'),
        'digest after apply',
      );
      t.equal(await sandbox.files.readText('later'), 'more', 'the applied file');
    },
  ),
  must(
    'core/manifest-data-loss',
    'manifest-receipt',
    'bytes that arrive changed are data-loss, and nothing is left',
    async (t) => {
      const spoiled = t.provider.wrap((driver) => ({
        ...driver,
        ...(driver.archive
          ? {
              archive: {
                ...driver.archive,
                put: async (handle, directory, tar, call) => {
                  await driver.archive?.put(handle, directory, tar, call);
                  const spoil = await driver.spawn(
                    handle,
                    {
                      argv: ['/bin/sh', '-c', 'printf X >> precious'],
                      cwd: directory,
                      env: {},
                      stdin: 'none',
                    },
                    call,
                  );
                  await spoil.exit;
                },
              },
            }
          : {}),
        async spawn(handle, command, call) {
          const process = await driver.spawn(handle, command, call);
          if (!command.argv.some((argument) => argument.includes('tar -x'))) return process;
          const exit = process.exit.then(async (status) => {
            const spoil = await driver.spawn(
              handle,
              {
                argv: ['/bin/sh', '-c', 'printf X >> precious'],
                cwd: handle.workspace ?? '/workspace',
                env: {},
                stdin: 'none',
              },
              call,
            );
            await spoil.exit;
            return status;
          });
          return { ...process, exit, kill: (signal) => process.kill(signal) };
        },
      }));
      const manifest: Manifest = {
        spec,
        entries: { precious: { type: 'file', text: 'as promised' } },
      };
      const error = await t.rejects(
        'data-loss',
        () => t.create({ manifest }, spoiled),
        'create with spoiled bytes',
      );
      t.match(JSON.stringify(error.toJSON()), /precious/, 'the path, in the error');
      const good = await t.create({ manifest });
      t.equal(await good.files.readText('precious'), 'as promised', 'the same without spoiling');
    },
  ),
  must(
    'core/manifest-strict',
    'manifest-strict',
    'unknown keys and wrong kinds are refused before the driver is called',
    async (t) => {
      const { provider, counts } = t.counted();
      const bad: readonly unknown[] = [
        { spec, entrys: {} },
        { spec, entries: { a: { type: 'file', text: 'x', tekst: 'y' } } },
        { spec, entries: { a: { type: 'unheard-of' } } },
        { spec: 'gantry-manifest/9' },
        { spec, env: { A: 1 } },
        'text',
      ];
      for (const value of bad) {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- wrong on purpose
        const manifest = value as Manifest;
        await t.rejects(
          'invalid-argument',
          () => t.create({ manifest }, provider),
          JSON.stringify(value),
        );
      }
      t.equal(counts.total(), 0, 'calls of the driver');
      const good = await t.create(
        { manifest: { spec, entries: { a: { type: 'file', text: 'x' } } } },
        provider,
      );
      t.equal(await good.files.readText('a'), 'x', 'a good manifest');
    },
  ),
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
  must(
    'core/manifest-sources-confined',
    'manifest-sources-confined',
    'a link that leaves its source is refused',
    async (t) => {
      await withDirectory(async (base) => {
        await mkdir(path.join(base, 'source/inner'), { recursive: true });
        await writeFile(path.join(base, 'secret'), 'secret');
        await writeFile(path.join(base, 'source/file'), 'fine');
        await symlink('../file', path.join(base, 'source/inner/stays'));
        const manifest: Manifest = {
          spec,
          entries: { copied: { type: 'localDir', source: 'source' } },
        };
        const sandbox = await t.create({ manifest, baseDirectory: base });
        t.equal(
          (await sandbox.files.stat('copied/inner/stays')).type,
          'symlink',
          'a link that stays inside',
        );
        t.equal(await sandbox.files.readText('copied/inner/stays'), 'fine', 'the file behind it');
        await symlink('../../secret', path.join(base, 'source/inner/leaves'));
        await t.rejects(
          ['failed-precondition', 'invalid-argument', 'permission-denied'],
          () => t.create({ manifest, baseDirectory: base }),
          'a source with a link that leaves it',
        );
      });
    },
  ),
  must(
    'core/manifest-sources-change',
    'manifest-sources-change',
    'a source that changes while it is used fails with aborted',
    async (t) => {
      await withDirectory(async (base) => {
        const source = path.join(base, 'file');
        await writeFile(source, 'before');
        const provider = t.provider.wrap((driver) => ({
          ...driver,
          async create(request, call) {
            const handle = await driver.create(request, call);
            await writeFile(source, 'after!');
            await utimes(source, 1, 1);
            return handle;
          },
        }));
        const manifest: Manifest = { spec, entries: { file: { type: 'localFile', source } } };
        await t.rejects(
          'aborted',
          () => t.create({ manifest }, provider),
          'create with a changing source',
        );
        const good = await t.create({ manifest });
        t.equal(await good.files.readText('file'), 'after!', 'a source that stays as it is');
      });
    },
  ),
  must(
    'core/collect-confined',
    'collect-confined',
    'collect brings outputs exactly and writes nowhere else',
    async (t) => {
      await withDirectory(async (base) => {
        const sandbox = await t.create({
          manifest: { spec, entries: { out: { type: 'output' } } },
        });
        t.succeeded(
          await sandbox.exec(
            'cd out && mkdir -p a/empty && printf "\\000\\377x" > a/bytes && printf "#!" > tool && chmod 750 tool && ln -s a/bytes link',
          ),
          'set-up',
        );
        const receipt = await sandbox.collect(path.join(base, 'good'));
        t.bytes(
          await readFile(path.join(base, 'good/out/a/bytes')),
          Uint8Array.from([0, 255, 0x78]),
          'bytes that were fetched',
        );
        t.equal(
          receipt.entries.find((entry) => entry.path === 'out/a/bytes')?.sha256,
          sha256(Uint8Array.from([0, 255, 0x78])),
          'digest in the receipt',
        );
        t.equal(
          (await readdir(path.join(base, 'good/out'))).toSorted(),
          ['a', 'link', 'tool'],
          'names that were fetched',
        );
        t.succeeded(
          await sandbox.exec(
            'cd out && ln -s /etc escape && ln -s ../../../../climb up && mkfifo pipe',
          ),
          'hostile outputs',
        );
        const collected = sandbox.collect(path.join(base, 'bad'));
        await t.rejects(
          ['failed-precondition', 'invalid-argument', 'permission-denied', 'data-loss'],
          collected,
          'collect of links that leave and a FIFO',
        );
        t.equal(
          (await readdir(base)).filter((name) => name !== 'good' && name !== 'bad'),
          [],
          'what was written beside the destination',
        );
      });
    },
  ),
  must(
    'core/collect-limits',
    'collect-limits',
    'more than allowed is refused and leaves nothing',
    async (t) => {
      await withDirectory(async (base) => {
        const sandbox = await t.create({
          manifest: { spec, entries: { out: { type: 'output' } } },
        });
        await sandbox.exec(
          'cd out && head -c 100000 /dev/zero > big && for i in 1 2 3 4 5; do : > $i; done',
        );
        const bytes = sandbox.collect(path.join(base, 'bytes'), { maxBytes: 50_000 });
        await t.rejects('resource-exhausted', bytes, 'more bytes than allowed');
        const entries = sandbox.collect(path.join(base, 'entries'), { maxEntries: 3 });
        await t.rejects('resource-exhausted', entries, 'more entries than allowed');
        const left = await readdir(base, { recursive: true });
        t.equal(
          left.filter((name) => /big|\d$/.test(name)),
          [],
          'what the refused collects left',
        );
        const good = await sandbox.collect(path.join(base, 'good'), { maxBytes: 200_000 });
        t.equal(
          good.entries.filter(({ type }) => type === 'file').length,
          6,
          'files within the limits',
        );
      });
    },
  ),
  must(
    'core/manifest-archives',
    'manifest-archives',
    'an archive with a hostile member is refused',
    async (t) => {
      await withDirectory(async (base) => {
        const { provider, counts } = t.counted();
        for (const name of ['../climbs', '/absolute', 'a/../../climbs']) {
          await writeFile(path.join(base, 'bad.tar'), tarOf(name, 'x'));
          const manifest: Manifest = {
            spec,
            entries: { data: { type: 'archive', source: 'bad.tar' } },
          };
          await t.rejects(
            ['failed-precondition', 'invalid-argument', 'permission-denied', 'data-loss'],
            () => t.create({ manifest, baseDirectory: base }, provider),
            `member ${name}`,
          );
        }
        t.equal(counts.byOperation.get('create') ?? 0, 0, 'sandboxes made for a hostile archive');
        await writeFile(path.join(base, 'good.tar'), tarOf('inner/file', 'fine'));
        const good = await t.create(
          {
            manifest: { spec, entries: { data: { type: 'archive', source: 'good.tar' } } },
            baseDirectory: base,
          },
          provider,
        );
        t.equal(await good.files.readText('data/inner/file'), 'fine', 'a good archive');
      });
    },
  ),
];

/** A ustar archive of one file (POSIX.1-2017, pax: ustar Interchange Format). */
function tarOf(name: string, text: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(text.length.toString(8).padStart(11, '0'), 124);
  header.write('00000000000', 136);
  header.fill(' ', 148, 156);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(text.length / 512) * 512);
  body.write(text);
  return Buffer.concat([header, body, Buffer.alloc(1024)]);
}
