import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caught } from '../../test/manifest/caught.ts';
import { inChunks, paxEntry, tarBytes } from '../../test/manifest/tar-bytes.ts';
import { nameText } from './byte-name.ts';
import { encodeSparseHeader } from './sparse-tar-header.ts';
import { encodeTarHeader, tarBlock, tarChecksum } from './tar-header.ts';
import { readTar } from './tar-reader.ts';

const limits = { maxBytes: 1e9, maxEntries: 1000 };
const long = `${'d'.repeat(120)}/${'f'.repeat(250)}`;

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-tar-'));
  const root = path.join(directory, 'root');
  mkdirSync(path.join(root, path.dirname(long)), { recursive: true });
  mkdirSync(path.join(root, 'empty'), { mode: 0o700 });
  writeFileSync(path.join(root, long), 'long');
  writeFileSync(Buffer.concat([Buffer.from(`${root}/odd`), Buffer.from([0xff, 0x0a])]), 'odd');
  writeFileSync(path.join(root, 'run'), '#!/bin/sh\n');
  chmodSync(path.join(root, 'run'), 0o4755);
  symlinkSync('t'.repeat(150), path.join(root, 'link'));
  linkSync(path.join(root, 'run'), path.join(root, 'same'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function read(bytes: Uint8Array, within = limits): Promise<Record<string, unknown>> {
  const result: Record<string, unknown> = {};
  for await (const { path: name, type, mode, linkTarget, contents } of readTar(
    inChunks(bytes),
    within,
  )) {
    const parts: Uint8Array[] = [];
    for await (const part of contents) parts.push(part);
    const text = Buffer.concat(parts).toString();
    const target = linkTarget === undefined ? '' : ` -> ${nameText(linkTarget)}`;
    result[nameText(name)] = `${type} ${mode.toString(8)} ${text}${target}`;
  }
  return result;
}

describe('what other programs write is read', () => {
  test.each([
    ['tar', ['--format=gnu', '--sort=name']],
    ['tar', ['--format=posix', '--sort=name']],
    ['busybox', ['tar']],
  ])('%s %j', async (program, options) => {
    const arguments_ = program === 'tar' ? options : [];
    const prefix = program === 'tar' ? [] : options;
    const argv = [...prefix, '-c', ...arguments_, '-f', '-', '-C', directory, 'root'];
    const found = await read(execFileSync(program, argv));
    expect(found['root/empty']).toBe('directory 700 ');
    expect(found[`root/${long}`]).toBe('file 644 long');
    expect(found[String.raw`root/odd\xff` + '\n']).toBe('file 644 odd');
    expect(found['root/link']).toBe(`symlink 777  -> ${'t'.repeat(150)}`);
    const [first, second] = [found['root/run'], found['root/same']].map(String).toSorted();
    expect(first).toBe('file 4755 #!/bin/sh\n');
    expect(second).toMatch(/^hardlink 4755 {2}-> root\/(?:run|same)$/);
  });

  test('old archives without a format mark, and directories marked by a slash alone', async () => {
    const bytes = tarBytes({ path: 'd/', flag: '0' }, { path: 'd/f', flag: '\0', contents: 'x' });
    expect(await read(bytes)).toEqual({ d: 'directory 644 ', 'd/f': 'file 644 x' });
  });

  test('pax names byte for byte, the size from pax, and a global header that changes nothing', async () => {
    const name = Buffer.from([0x61, 0xff]);
    const bytes = tarBytes(
      paxEntry({ comment: 'abc', path: 'evil' }, 'g'),
      paxEntry({ path: name, size: '5', mtime: '1.5', 'SCHILY.xattr.user.x': 'y' }),
      { path: 'short', contents: 'hello', claimedSize: 0 },
      { path: 'next', contents: 'n' },
    );
    expect(await read(bytes)).toEqual({
      [String.raw`a\xff`]: 'file 644 hello',
      next: 'file 644 n',
    });
  });
});

describe('what is written is read', () => {
  const entries = [
    { type: 'directory', path: 'é', mode: 0o700 },
    { type: 'file', path: `é/${'n'.repeat(255)}`, mode: 0o751 },
    { type: 'symlink', path: 'l', mode: 0o777, target: `é/${'t'.repeat(200)}` },
  ] as const;
  const bytes = tarBytes(
    ...entries.map((entry) => ({ ...entry, contents: entry.type === 'file' ? 'x' : '' })),
  );

  test.each([
    ['tar', ['-tvf', '-']],
    ['busybox', ['tar', '-tvf', '-']],
  ])('by %s', (program, argv) => {
    const listing = execFileSync(program, argv, {
      input: bytes,
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    const text = listing.toString().replaceAll(String.raw`\303\251`, 'é');
    for (const { path: name } of entries) expect(text).toContain(name);
    expect(text).toContain(`l -> é/${'t'.repeat(200)}`);
  });

  test('sizes of 8 GiB and more', async () => {
    const size = 8 ** 11 + 12_345;
    const header = encodeTarHeader({
      type: 'file',
      path: Buffer.from('f'),
      mode: 0,
      size,
      modifiedSeconds: 0,
    });
    const reader = readTar(inChunks(Buffer.concat([header, Buffer.alloc(tarBlock)])), limits);
    expect((await reader.next()).value?.size).toBe(size);
    await reader.return();
  });
});

describe('files with holes', () => {
  test('GNU tar makes the holes, also beyond 8 GiB', () => {
    const offsets = Array.from({ length: 60 }, (_, index) => index * 8 * 1024 ** 3);
    const size = offsets.length * 8 * 1024 ** 3;
    const header = encodeSparseHeader(
      {
        ...{ type: 'file', path: Buffer.from(long), mode: 0o640 },
        ...{ size, modifiedSeconds: 1_000_000_000 },
      },
      offsets.map((offset) => ({ offset, length: tarBlock })),
    );
    const data = offsets.map((_, index) => Buffer.alloc(tarBlock, index + 1));
    const out = path.join(directory, 'holes');
    mkdirSync(out);
    execFileSync('tar', ['-xpof', '-', '-C', out], {
      input: Buffer.concat([header, ...data, Buffer.alloc(2 * tarBlock)]),
    });
    const file = path.join(out, long);
    const { size: whole, blocks, mode, mtimeMs } = statSync(file);
    expect({ whole, mode: mode & 0o777, mtimeMs }).toEqual({
      ...{ whole: size, mode: 0o640, mtimeMs: 1e12 },
    });
    expect(blocks).toBeLessThan(60 * 32);
    const descriptor = openSync(file, 'r');
    const found = offsets.map((offset) => {
      const bytes = Buffer.alloc(2 * tarBlock);
      readSync(descriptor, bytes, 0, bytes.length, offset);
      return [bytes[0], bytes[tarBlock - 1], bytes[tarBlock]];
    });
    closeSync(descriptor);
    expect(found).toEqual(offsets.map((_, index) => [index + 1, index + 1, 0]));
  });
});

describe('damaged and hostile files', () => {
  const good = tarBytes({ path: 'a', contents: 'x'.repeat(2000) }, { path: 'b' });

  test('a file cut off anywhere is told apart from a whole one', async () => {
    for (let length = 0; length < good.length - tarBlock; length += 100) {
      expect((await caught(() => read(good.subarray(0, length)))).code, `at ${length}`).toBe(
        'data-loss',
      );
    }
    expect(Object.keys(await read(good))).toEqual(['a', 'b']);
  });

  test('damage never ends in anything but entries or a SandboxError', async () => {
    const damage = fc.array(fc.tuple(fc.nat(tarBlock - 1), fc.nat(255)), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(damage, fc.boolean(), async (changes, repaired) => {
        const bytes = Buffer.from(good);
        for (const [offset, byte] of changes) bytes[offset] = byte;
        // With its checksum repaired, the damage reaches what is behind the checksum.
        if (repaired)
          bytes.write(
            `${tarChecksum(bytes.subarray(0, 512)).toString(8).padStart(6, '0')}\0 `,
            148,
          );
        const [result] = await Promise.allSettled([read(bytes)]);
        const code =
          result.status === 'fulfilled' ? 'read' : (result.reason as { code?: unknown }).code;
        expect(['read', 'data-loss', 'failed-precondition', 'resource-exhausted']).toContain(code);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['a character device', { path: 'x', flag: '3' }],
    ['a block device', { path: 'x', flag: '4' }],
    ['a fifo', { path: 'x', flag: '6' }],
    ['a sparse file', { path: 'x', flag: 'S' }],
    ['an unknown type', { path: 'x', flag: 'V' }],
  ])('%s is refused by name', async (_what, entry) => {
    const error = await caught(() => read(tarBytes(entry)));
    expect(error.code).toBe('failed-precondition');
    expect(error.details).toEqual({ path: 'x' });
  });

  test('sparse files in pax form, NUL in names and absurd headers are refused', async () => {
    const sparse = tarBytes(paxEntry({ 'GNU.sparse.realsize': '1099511627776', path: 's' }), {
      path: 'x',
    });
    expect((await caught(() => read(sparse))).message).toContain('sparse');
    const nul = tarBytes(paxEntry({ path: 'a\0b' }), { path: 'x' });
    expect((await caught(() => read(nul))).code).toBe('data-loss');
    const huge = tarBytes({ path: 'PaxHeader', flag: 'x', claimedSize: 4_000_000_000 });
    expect((await caught(() => read(huge))).message).toContain('claims 4000000000 bytes');
  });

  test('limits hold while reading', async () => {
    const many = tarBytes(...Array.from({ length: 20 }, (_, index) => ({ path: `f${index}` })));
    const entries = await caught(() => read(many, { ...limits, maxEntries: 19 }));
    expect(entries.code).toBe('resource-exhausted');
    const bytes = await caught(() => read(many, { ...limits, maxBytes: 5000 }));
    expect(bytes.code).toBe('resource-exhausted');
  });
});
