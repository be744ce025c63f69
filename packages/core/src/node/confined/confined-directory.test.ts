import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfinedDirectory } from './confined-directory.ts';

let outside: string;
let inside: string;

beforeEach(() => {
  outside = mkdtempSync(path.join(tmpdir(), 'gantry-confined-'));
  inside = path.join(outside, 'inside');
  mkdirSync(inside);
  writeFileSync(path.join(outside, 'secret'), 'outside');
});

afterEach(() => rmSync(outside, { recursive: true, force: true }));

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
/** What this process has open of a test's files; it has others, which come and go. */
const descriptors = (): string[] =>
  readdirSync('/proc/self/fd').filter((name) => targetOf(name).startsWith(outside));

function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    // That of the listing itself, which is over.
    return '';
  }
}

async function text(directory: ConfinedDirectory, name: string): Promise<string> {
  return new Response(directory.read(bytes(name))).text();
}

async function walk(directory: ConfinedDirectory): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of directory.entries()) names.push(entry.path.toString('latin1'));
  return names;
}

describe('what is there', () => {
  test('any bytes, any name, in the order of bytes, a directory before what is in it', async () => {
    const names = ['a', 'a/b', 'a/b/c', 'a.b', 'A', ' x\n', '-rf', 'caf\xe9', 'z'.repeat(255)];
    for (const name of ['a', 'a/b']) mkdirSync(path.join(inside, name));
    for (const name of names.filter((one) => one !== 'a' && one !== 'a/b')) {
      writeFileSync(Buffer.concat([bytes(`${inside}/`), bytes(name)]), `is ${name.length}`);
    }
    using directory = new ConfinedDirectory(inside);
    expect(await walk(directory)).toEqual([
      ...[' x\n', '-rf', 'A', 'a', 'a/b', 'a/b/c', 'a.b', 'caf\xe9', 'z'.repeat(255)],
    ]);
    expect(await text(directory, 'caf\xe9')).toBe('is 4');
    expect(directory.stat(bytes('a/b/c')).size).toBe(4n);
  });

  test('a large file arrives whole, and a cancelled read closes its descriptor', async () => {
    const large = Buffer.alloc(1_500_000, 'gantry');
    writeFileSync(path.join(inside, 'large'), large);
    const before = descriptors().length;
    using directory = new ConfinedDirectory(inside);
    expect(
      Buffer.from(await new Response(directory.read(bytes('large'))).bytes()).equals(large),
    ).toBe(true);
    const reader = directory.read(bytes('large')).getReader();
    await reader.read();
    const unread = reader.read();
    await reader.cancel();
    await unread;
    expect(descriptors().length).toBe(before + 1);
  });

  test('what is missing is not-found, and a path that could leave is no path', () => {
    using directory = new ConfinedDirectory(inside);
    expect(() => directory.stat(bytes('gone'))).toThrowError(
      expect.objectContaining({ code: 'not-found' }),
    );
    for (const name of ['', '/', '/etc', '..', 'a/../../secret', './a', 'a//b', 'a/', 'a\0b']) {
      expect(() => directory.stat(bytes(name)), name).toThrowError(
        expect.objectContaining({ code: 'invalid-argument' }),
      );
    }
  });
});

describe('what a guest may plant', () => {
  // oxlint-disable-next-line typescript/no-unsafe-assignment -- vitest types its matchers so
  const refused = expect.objectContaining({ code: 'failed-precondition' });

  test('links out, at the end of a path and in the middle, are refused and never walked', async () => {
    symlinkSync('../secret', path.join(inside, 'file'));
    symlinkSync('..', path.join(inside, 'up'));
    symlinkSync('/etc/shadow', path.join(inside, 'shadow'));
    symlinkSync('/proc/1/environ', path.join(inside, 'environ'));
    symlinkSync('loop', path.join(inside, 'loop'));
    using directory = new ConfinedDirectory(inside);
    for (const name of ['file', 'up/secret', 'shadow', 'environ', 'loop', 'up/inside/file', 'up']) {
      expect(() => directory.openFile(bytes(name)), name).toThrowError(refused);
    }
    expect(() => directory.stat(bytes('up/secret'))).toThrowError(refused);
    expect(directory.readLink(bytes('up')).toString()).toBe('..');
    expect(await walk(directory)).toEqual(['environ', 'file', 'loop', 'shadow', 'up']);
    expect(() => new ConfinedDirectory(path.join(inside, 'up'))).toThrowError(refused);
  });

  test('FIFOs, sockets, devices and directories are refused as files, without a wait', async () => {
    execFileSync('mkfifo', [path.join(inside, 'fifo')]);
    // Of all devices only this one can be made by everybody: what an overlay calls a whiteout.
    execFileSync('mknod', [path.join(inside, 'device'), 'c', '0', '0']);
    mkdirSync(path.join(inside, 'directory'));
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(path.join(inside, 'socket'), resolve));
    try {
      using directory = new ConfinedDirectory(inside);
      const before = descriptors().length;
      for (const name of ['fifo', 'device', 'directory', 'socket']) {
        expect(() => directory.openFile(bytes(name)), name).toThrowError(refused);
      }
      expect(await walk(directory)).toEqual(['device', 'directory', 'fifo', 'socket']);
      expect(descriptors().length).toBe(before);
    } finally {
      server.close();
    }
  });

  test('directories without end are refused, and no descriptor is left behind', async () => {
    mkdirSync(path.join(inside, ...Array.from({ length: 600 }, () => 'd')), { recursive: true });
    using directory = new ConfinedDirectory(inside);
    const before = descriptors().length;
    await expect(walk(directory)).rejects.toMatchObject({ code: 'resource-exhausted' });
    expect(descriptors().length).toBe(before);
  });

  test('a directory that is swapped with a link all the time never lets a read out', async () => {
    mkdirSync(path.join(inside, 'a'));
    mkdirSync(path.join(inside, 'a', 'b'));
    writeFileSync(path.join(inside, 'a', 'b', 'secret'), 'inside');
    mkdirSync(path.join(outside, 'b'));
    writeFileSync(path.join(outside, 'b', 'secret'), 'outside');
    symlinkSync(outside, path.join(inside, 'link'));
    using directory = new ConfinedDirectory(inside);
    // Counted while there is no worker, which has descriptors of its own.
    const before = descriptors().length;
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(
      `const { renameSync } = require('node:fs');
       const { workerData: { inside, stop } } = require('node:worker_threads');
       const at = (name) => inside + '/' + name;
       while (Atomics.load(stop, 0) === 0) {
         renameSync(at('a'), at('kept')); renameSync(at('link'), at('a'));
         renameSync(at('a'), at('link')); renameSync(at('kept'), at('a'));
       }`,
      { eval: true, workerData: { inside, stop } },
    );
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    const seen = new Map<string, number>();
    const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);
    try {
      const name = bytes('a/b/secret');
      const end = performance.now() + 20_000;
      // Until a careless read has been led out often enough to know that this test would tell.
      while ((seen.get('careless outside') ?? 0) < 100 && performance.now() < end) {
        try {
          count(`careless ${readFileSync(path.join(inside, 'a/b/secret'), 'latin1')}`);
        } catch {
          count('careless missing');
        }
        for (let again = 0; again < 5; again += 1) {
          try {
            const descriptor = directory.openFile(name);
            count(readFileSync(descriptor, 'latin1'));
            closeSync(descriptor);
          } catch (error) {
            count(error instanceof Error && 'code' in error ? String(error.code) : 'other');
          }
        }
        for (const found of await walk(directory)) {
          if (/^link\/|^a\/(secret|inside)/.test(found)) count('walked out');
        }
      }
    } finally {
      Atomics.store(stop, 0, 1);
      await ended;
    }
    expect(seen.get('careless outside')).toBeGreaterThanOrEqual(100);
    expect(seen.get('inside')).toBeGreaterThan(0);
    const allowed = new Set(['inside', 'not-found', 'failed-precondition']);
    expect(
      [...seen.keys()].filter((what) => !what.startsWith('careless') && !allowed.has(what)),
    ).toEqual([]);
    expect(descriptors().length).toBe(before);
  });
});
