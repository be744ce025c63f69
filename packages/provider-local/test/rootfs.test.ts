import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { local } from '../src/index.ts';

let scratch: string;
let root: string;

/** A root file system of one static program. */
beforeAll(() => {
  scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-rootfs-'));
  root = path.join(scratch, 'root');
  for (const directory of ['bin', 'etc', 'usr'])
    mkdirSync(path.join(root, directory), { recursive: true });
  execFileSync('sh', ['-c', 'cp "$(command -v busybox)" "$1/bin/busybox"', 'sh', root]);
  for (const name of [
    'sh',
    'setsid',
    'env',
    'cat',
    'ls',
    'id',
    'touch',
    'stat',
    'mv',
    'mkdir',
    'rm',
    'chmod',
  ]) {
    symlinkSync('busybox', path.join(root, 'bin', name));
  }
  symlinkSync('../bin', path.join(root, 'usr/bin'));
  writeFileSync(path.join(root, 'etc/os-release'), 'NAME=tiny\n');
  for (const directory of [scratch, root]) chmodSync(directory, 0o755);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const stateDirectory = (): string => path.join(scratch, 'state');

async function check(rootfs: string): Promise<void> {
  await using sandbox = await local({ rootfs, stateDirectory: stateDirectory() }).create();
  const { stdout, stderr, exit } = await sandbox.exec('cat /etc/os-release; ls /; id -u; pwd');
  expect(stdout.text, stderr.text).toBe(
    'NAME=tiny\nbin\ndev\netc\nproc\nrun\ntmp\nusr\nworkspace\n1000\n/workspace\n',
  );
  expect(exit).toEqual({ code: 0 });
  expect((await sandbox.exec('touch /etc/new')).ok).toBe(false);
  expect((await sandbox.exec('touch /new')).ok).toBe(false);
  await sandbox.files.write('file', 'contents');
  expect(await sandbox.files.readText('file')).toBe('contents');
}

describe('a root file system of one’s own', () => {
  test('is a directory', async () => {
    await expect(check(root)).resolves.toBeUndefined();
  });

  test.each(['', '-z', '--zstd'])('is a tar file (%s), unpacked once', async (compression) => {
    const file = path.join(scratch, `root.tar${compression}`);
    execFileSync('tar', ['-c', ...(compression ? [compression] : []), '-f', file, '-C', root, '.']);
    await check(file);
    const kept = readdirSync(path.join(stateDirectory(), 'rootfs'));
    await check(file);
    expect(readdirSync(path.join(stateDirectory(), 'rootfs'))).toEqual(kept);
  });

  test('writes nowhere else when it is hostile', async () => {
    const tree = path.join(scratch, 'tree');
    mkdirSync(tree);
    writeFileSync(path.join(tree, 'evil'), 'evil');
    symlinkSync(scratch, path.join(tree, 'out'));
    const file = path.join(scratch, 'hostile.tar');
    const moved = ['--transform', `s,^evil,out/escaped,`];
    execFileSync('tar', ['-cf', file, '-C', tree, 'out']);
    execFileSync('tar', ['-rf', file, '-C', tree, ...moved, 'evil']);
    execFileSync('tar', [
      '-rPf',
      file,
      '-C',
      tree,
      '--transform',
      `s,^evil,${scratch}/absolute,`,
      'evil',
    ]);
    const provider = local({ rootfs: file, stateDirectory: stateDirectory() });
    await expect(provider.create()).rejects.toMatchObject({ code: 'failed-precondition' });
    expect(readdirSync(scratch).filter((name) => /escaped|absolute/.test(name))).toEqual([]);
    expect(readdirSync(path.join(stateDirectory(), 'sandboxes'))).toEqual([]);
  });

  test('is refused when it is not there', async () => {
    const provider = local({
      rootfs: path.join(scratch, 'nothing'),
      stateDirectory: stateDirectory(),
    });
    await expect(provider.create()).rejects.toMatchObject({
      code: 'failed-precondition',
      message: expect.stringContaining('does not exist') as string,
    });
  });
});
