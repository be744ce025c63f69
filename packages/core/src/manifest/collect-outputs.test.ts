import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { caught } from '../../test/manifest/caught.ts';
import type { HostWorkspace } from '../../test/manifest/host-workspace-target.ts';
import { freshCall, hostWorkspace } from '../../test/manifest/host-workspace-target.ts';
import type { MadeEntry } from '../../test/manifest/tar-bytes.ts';
import { inChunks, paxEntry, tarBytes } from '../../test/manifest/tar-bytes.ts';
import type { CollectReceipt } from '../contract/manifest-types.ts';
import { collectOutputs } from './collect-outputs.ts';
import type { CollectedOutput } from './collect-types.ts';
import type { WorkspaceTarget } from './workspace-target.ts';

let workspace: HostWorkspace;
let destination = '';
afterEach(() => workspace[Symbol.asyncDispose]());

async function begin(tools: 'coreutils' | 'busybox' = 'coreutils'): Promise<void> {
  workspace = await hostWorkspace(tools);
  destination = path.join(workspace.base, 'results');
}

const inside = (name: string): string => path.join(workspace.workspace, name);

function collect(
  outputs: readonly CollectedOutput[],
  target: WorkspaceTarget = workspace,
  limits: { maxBytes?: number; maxEntries?: number } = {},
): Promise<CollectReceipt> {
  return collectOutputs(target, { outputs, destination, ...limits }, freshCall());
}

describe.each(['coreutils', 'busybox'] as const)('with %s', (tools) => {
  beforeEach(() => begin(tools));

  test('outputs come back as they are, with digests, and say what is missing', async () => {
    mkdirSync(inside('out/empty'), { recursive: true });
    mkdirSync(inside('out/closed'));
    writeFileSync(inside('out/closed/-f\n'), 'odd', { mode: 0o640 });
    writeFileSync(Buffer.concat([Buffer.from(inside('out/b')), Buffer.from([0xff])]), '');
    writeFileSync(inside('out/run'), 'x');
    chmodSync(inside('out/run'), 0o6755);
    linkSync(inside('out/run'), inside('out/same'));
    symlinkSync('closed/../run', inside('out/link'));
    chmodSync(inside('out/closed'), 0o500);
    mkdirSync(inside('a/b'), { recursive: true });
    writeFileSync(inside('a/b/report.json'), '{}');
    const receipt = await collect([
      { path: 'out', kind: 'dir', required: true },
      { path: 'out/run', required: true },
      { path: 'a/b/report.json', kind: 'file' },
      { path: 'none' },
      { path: 'a/b/report.json/below' },
    ]);
    const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
    expect(receipt.missing).toEqual(['none', 'a/b/report.json/below']);
    expect(
      receipt.entries.map(({ path: at, mode, sha256: digest, target }) => [
        at,
        mode,
        digest ?? target,
      ]),
    ).toEqual([
      ['out', '0755', undefined],
      [String.raw`out/b\xff`, '0644', sha256('')],
      ['out/closed', '0500', undefined],
      ['out/closed/-f\n', '0640', sha256('odd')],
      ['out/empty', '0755', undefined],
      ['out/link', '0777', 'closed/../run'],
      ['out/run', '0755', sha256('x')],
      ['out/same', '0755', sha256('x')],
      ['a/b/report.json', '0644', sha256('{}')],
    ]);
    expect(lstatSync(path.join(destination, 'out/run')).mode & 0o7777).toBe(0o755);
    expect(lstatSync(path.join(destination, 'out/closed')).mode & 0o777).toBe(0o500);
    expect(readlinkSync(path.join(destination, 'out/link'))).toBe('closed/../run');
    expect(readFileSync(path.join(destination, 'out/closed/-f\n'), 'utf8')).toBe('odd');
    expect(readdirSync(destination).toSorted()).toEqual(['a', 'out']);
    expect(workspace.calls).toEqual(['run', 'getArchive', 'getArchive']);
  });

  test('what is missing and required, linked, of another kind or no file is refused by name', async () => {
    mkdirSync(inside('real'));
    writeFileSync(inside('real/passwd'), '');
    symlinkSync('/etc', inside('link'));
    execFileSync('mkfifo', [inside('pipe')]);
    const code = async (output: CollectedOutput): Promise<string> => {
      const error = await caught(() => collect([output]));
      expect(error.message).toContain(output.path);
      return error.code;
    };
    expect(await code({ path: 'none', required: true })).toBe('not-found');
    expect(await code({ path: 'link' })).toBe('failed-precondition');
    expect(await code({ path: 'link/passwd' })).toBe('failed-precondition');
    expect(await code({ path: 'pipe' })).toBe('failed-precondition');
    expect(await code({ path: 'real', kind: 'file' })).toBe('failed-precondition');
    expect(await code({ path: '../outside' })).toBe('invalid-argument');
    expect((await caught(() => collect([{ path: 'real' }, { path: 'real' }]))).code).toBe(
      'invalid-argument',
    );
    execFileSync('mkfifo', [inside('real/pipe')]);
    expect(await code({ path: 'real' })).toBe('failed-precondition');
    expect(workspace.calls.filter((call) => call === 'getArchive')).toHaveLength(1);
    expect(readdirSync(destination)).toEqual([]);
  });
});

describe('the destination', () => {
  beforeEach(async () => {
    await begin();
    mkdirSync(inside('out'));
    writeFileSync(inside('out/f'), 'new');
    mkdirSync(destination);
  });

  test('an empty directory in an output place is used, other things beside it are left alone', async () => {
    mkdirSync(path.join(destination, 'out'));
    writeFileSync(path.join(destination, 'mine'), 'kept');
    await collect([{ path: 'out' }]);
    expect(readFileSync(path.join(destination, 'out/f'), 'utf8')).toBe('new');
    expect(readdirSync(destination).toSorted()).toEqual(['mine', 'out']);
  });

  test.each<[string, () => void]>([
    ['a file', () => writeFileSync(path.join(destination, 'out'), 'old')],
    ['a full directory', () => mkdirSync(path.join(destination, 'out/x'), { recursive: true })],
    ['a link to elsewhere', () => symlinkSync(workspace.base, path.join(destination, 'out'))],
  ])('%s in its place is already-exists and stays', async (_what, plant) => {
    plant();
    const before = lstatSync(path.join(destination, 'out')).ino;
    expect((await caught(() => collect([{ path: 'out' }]))).code).toBe('already-exists');
    expect(lstatSync(path.join(destination, 'out')).ino).toBe(before);
  });

  test('a parent that is a link is never followed', async () => {
    symlinkSync(workspace.base, path.join(destination, 'out'));
    expect((await caught(() => collect([{ path: 'out/f' }]))).code).toBe('already-exists');
    expect(existsSync(path.join(workspace.base, 'f'))).toBe(false);
  });

  test('limits hold while streaming, for all outputs together, and leave nothing', async () => {
    mkdirSync(inside('two'));
    for (const name of ['out/f', 'two/f']) writeFileSync(inside(name), Buffer.alloc(60_000));
    const outputs = [{ path: 'out' }, { path: 'two' }];
    const bytes = await caught(() => collect(outputs, workspace, { maxBytes: 100_000 }));
    expect(bytes.code).toBe('resource-exhausted');
    const entries = await caught(() =>
      collect([{ path: 'out' }, { path: 'two' }], workspace, { maxEntries: 3 }),
    );
    expect(entries.code).toBe('resource-exhausted');
    expect(readdirSync(destination)).toEqual([]);
  });
});

// Probe 42: the guest's own tar may say anything.
describe('a hostile archive', () => {
  beforeEach(async () => {
    await begin();
    mkdirSync(inside('out'));
    mkdirSync(destination);
    writeFileSync(path.join(workspace.base, 'victim'), 'untouched');
  });

  const lying = (bytes: Uint8Array): WorkspaceTarget => ({
    ...workspace,
    getArchive: () => Promise.resolve(ReadableStream.from(inChunks(bytes))),
  });
  const root: MadeEntry = { path: 'out', type: 'directory', mode: 0o755 };

  test.each<[string, ...MadeEntry[]]>([
    ['.. in a name', root, { path: 'out/../../victim', contents: 'x' }],
    ['an absolute name', root, { path: '/tmp/victim', contents: 'x' }],
    ['a name beside the output', root, { path: 'other/x' }],
    ['an absolute link', root, { path: 'out/l', type: 'symlink', target: '/etc/passwd' }],
    ['a link that leaves', root, { path: 'out/l', type: 'symlink', target: '../../victim' }],
    [
      'a chain of links that leaves',
      root,
      { path: 'out/d', type: 'directory' },
      { path: 'out/d/up', type: 'symlink', target: '..' },
      { path: 'out/l', type: 'symlink', target: 'd/up/../../victim' },
    ],
    [
      'writing through a link',
      root,
      { path: 'out/l', type: 'symlink', target: '.' },
      { path: 'out/l/x', contents: 'x' },
    ],
    [
      'a file over a link',
      root,
      { path: 'out/l', type: 'symlink', target: 'x' },
      { path: 'out/l', contents: 'x' },
    ],
    [
      'a root that is a link',
      { path: 'out', type: 'symlink', target: '..' },
      { path: 'out/victim' },
    ],
    ['a hard link to outside', root, { path: 'out/h', type: 'hardlink', target: '../../victim' }],
    ['a hard link beside the output', root, { path: 'out/h', type: 'hardlink', target: 'victim' }],
    [
      'a hard link to an absolute path',
      root,
      { path: 'out/h', type: 'hardlink', target: '/etc/passwd' },
    ],
    ['a device', root, { path: 'out/x', flag: '4' }],
    ['a fifo', root, { path: 'out/x', flag: '6' }],
    ['a file twice', root, { path: 'out/x' }, { path: 'out//x' }],
    ['a pax path that leaves', root, paxEntry({ path: 'out/../../victim' }), { path: 'out/x' }],
    ['a sparse file', root, paxEntry({ 'GNU.sparse.size': '1099511627776' }), { path: 'out/x' }],
    ['nothing at all'],
  ])('with %s is refused and leaves nothing', async (_what, ...entries) => {
    const error = await caught(() => collect([{ path: 'out' }], lying(tarBytes(...entries))));
    expect(error.code).toBe('failed-precondition');
    expect(readdirSync(destination)).toEqual([]);
    expect(readdirSync(workspace.base).toSorted()).toEqual([
      'bin',
      'results',
      'victim',
      'workspace',
    ]);
    expect(readFileSync(path.join(workspace.base, 'victim'), 'utf8')).toBe('untouched');
  });

  test('cut off, endless or a million entries ends typed and leaves nothing', async () => {
    const whole = tarBytes(root, { path: 'out/x', contents: 'x'.repeat(5000) });
    expect(
      (await caught(() => collect([{ path: 'out' }], lying(whole.subarray(0, 3000))))).code,
    ).toBe('data-loss');
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (let index = 0; ; index += 1) yield tarBytes({ path: `out/${index}` }).subarray(0, 512);
    };
    const target = {
      ...workspace,
      getArchive: () => Promise.resolve(ReadableStream.from(endless())),
    };
    const error = await caught(() => collect([{ path: 'out' }], target, { maxEntries: 2000 }));
    expect(error.code).toBe('resource-exhausted');
    expect(readdirSync(destination)).toEqual([]);
  });

  test('special mode bits are taken off and the order of entries does not matter', async () => {
    const bytes = tarBytes(
      { path: './out/d/f', contents: 'x', mode: 0o7777 },
      { path: './out/', type: 'directory', mode: 0o1750 },
    );
    const { entries } = await collect([{ path: 'out' }], lying(bytes));
    expect(entries.map(({ path: at, mode }) => [at, mode])).toEqual([
      ['out', '0750'],
      ['out/d', '0755'],
      ['out/d/f', '0777'],
    ]);
    expect(lstatSync(path.join(destination, 'out')).mode & 0o7777).toBe(0o750);
    expect(lstatSync(path.join(destination, 'out/d/f')).mode & 0o7777).toBe(0o777);
  });
});
