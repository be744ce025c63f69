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

export const manifestSourceChecks: readonly Check[] = [
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
