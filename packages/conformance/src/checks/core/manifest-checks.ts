import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
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
];
