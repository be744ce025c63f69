import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { caught } from '../../test/manifest/caught.ts';
import type { HostWorkspace } from '../../test/manifest/host-workspace-target.ts';
import { freshCall, hostWorkspace } from '../../test/manifest/host-workspace-target.ts';
import type { Call } from '../contract/call.ts';
import type { Manifest, ManifestEntry, MaterializeReceipt } from '../contract/manifest-types.ts';
import { materialize } from './materialize.ts';
import { planManifest } from './plan-manifest.ts';
import { resolveManifest } from './resolve-manifest.ts';
import type { WorkspaceTarget } from './workspace-target.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe.each(['coreutils', 'busybox'] as const)('with %s', (tools) => {
  let workspace: HostWorkspace;
  let source = '';
  beforeEach(async () => {
    workspace = await hostWorkspace(tools, { unprivileged: true });
    source = path.join(workspace.base, 'source');
    mkdirSync(source);
  });
  afterEach(() => workspace[Symbol.asyncDispose]());

  async function apply(
    manifest: Omit<Manifest, 'spec'>,
    target: WorkspaceTarget = workspace,
    call: Call = freshCall(),
  ): Promise<MaterializeReceipt> {
    const complete = { spec: 'gantry-manifest/1', ...manifest } as const;
    const resolved = await resolveManifest(complete, { baseDirectory: workspace.base, call });
    return materialize(resolved, planManifest(resolved, workspace), target, call);
  }

  test('fifty files and ten commands take three calls; nothing takes none', async () => {
    await apply({ labels: { a: 'b' }, env: { A: 'x' } });
    expect(workspace.calls).toEqual([]);
    writeFileSync(path.join(source, 'f'), 'local');
    const entries = Object.fromEntries(
      Array.from({ length: 50 }, (_, index): [string, ManifestEntry] => [
        `d${index % 7}/f${index}`,
        index % 2 === 0
          ? { type: 'file', text: `${index}` }
          : { type: 'localFile', source: 'source/f' },
      ]),
    );
    const setup = Array.from({ length: 10 }, (_, index) => `echo ${index} >>log`);
    const receipt = await apply({ entries, setup });
    expect(workspace.calls).toEqual(['putArchive', 'run', 'run']);
    const files = receipt.entries.filter(({ type }) => type === 'file');
    expect(files).toHaveLength(50);
    for (const { path: at, sha256: digest } of files) {
      expect(digest, at).toBe(sha256(readFileSync(path.join(workspace.workspace, at), 'utf8')));
    }
    expect(readFileSync(path.join(workspace.workspace, 'log'), 'utf8')).toBe(
      '0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n',
    );
    expect(receipt.setup).toHaveLength(10);
  });

  test('names of every kind arrive, are read back and are written as receipts say', async () => {
    const names = [
      '-rf',
      'new\nline',
      'back\\slash',
      'cr\rx',
      '*',
      ' lead',
      '$(id)',
      "quo'te",
      'n'.repeat(255),
    ];
    for (const name of names) writeFileSync(path.join(source, name), name);
    const bytes = Buffer.concat([Buffer.from(`${source}/b`), Buffer.from([0xff, 0x0a, 0x5c])]);
    writeFileSync(bytes, 'bytes');
    symlinkSync('new\nline', path.join(source, 'li\nnk'));
    const { entries } = await apply({ entries: { at: { type: 'localDir', source: 'source' } } });
    const digests = Object.fromEntries(
      entries.map((entry) => [entry.path, entry.sha256 ?? entry.target]),
    );
    const expected = Object.fromEntries(
      names.map((name) => [`at/${name.replaceAll('\\', '\\\\')}`, sha256(name)]),
    );
    expect(digests).toEqual({
      ...expected,
      at: undefined,
      'at/li\nnk': 'new\nline',
      'at/b\\xff\n\\\\': sha256('bytes'),
    });
  });

  test('modes, empty directories, links and times survive, closed directories too', async () => {
    mkdirSync(path.join(source, 'empty'));
    mkdirSync(path.join(source, 'closed'));
    writeFileSync(path.join(source, 'closed', 'f'), '', { mode: 0o400 });
    writeFileSync(path.join(source, 'secret'), 'x');
    chmodSync(path.join(source, 'secret'), 0);
    chmodSync(path.join(source, 'closed'), 0o555);
    symlinkSync('closed/f', path.join(source, 'link'));
    execFileSync('touch', ['-d', '2001-02-03 04:05:06Z', path.join(source, 'secret')]);
    const { entries } = await apply({
      entries: {
        at: { type: 'localDir', source: 'source' },
        'deep/er/inline': {
          type: 'file',
          base64: Buffer.from([0, 255]).toString('base64'),
          mode: '0750',
        },
        out: { type: 'output' },
        'out/file': { type: 'output', kind: 'file' },
        'results/report.json': { type: 'output', kind: 'file' },
      },
    });
    const modes = Object.fromEntries(
      entries.map((entry) => [entry.path, `${entry.type} ${entry.mode}`]),
    );
    expect(modes).toEqual({
      at: 'directory 0755',
      'at/closed': 'directory 0555',
      'at/closed/f': 'file 0400',
      'at/empty': 'directory 0755',
      'at/link': 'symlink 0777',
      'at/secret': 'file 0000',
      deep: 'directory 0755',
      'deep/er': 'directory 0755',
      'deep/er/inline': 'file 0750',
      out: 'directory 0755',
      results: 'directory 0755',
    });
    const at = (name: string): string => path.join(workspace.workspace, name);
    expect(lstatSync(at('at/secret')).mtime.toISOString()).toBe('2001-02-03T04:05:06.000Z');
    expect(lstatSync(at('deep/er/inline')).mtime.toISOString()).toBe('1980-01-01T00:00:00.000Z');
    expect(readlinkSync(at('at/link'))).toBe('closed/f');
    expect([...readFileSync(at('deep/er/inline'))]).toEqual([0, 255]);
  });

  test.each<[string, string, (at: string) => void]>([
    ['other contents', 'sha256', (at) => writeFileSync(at, 'evil!')],
    ['another type', 'type', (at) => (rmSync(at), mkdirSync(at))],
    ['a link in its place', 'type', (at) => (rmSync(at), symlinkSync('/etc/passwd', at))],
    ['nothing in its place', 'missing', (at) => rmSync(at)],
  ])('%s is data-loss that names the path', async (_what, said, tamper) => {
    const target: WorkspaceTarget = {
      ...workspace,
      async putArchive(tar, call) {
        await workspace.putArchive(tar, call);
        tamper(path.join(workspace.workspace, 'd/victim'));
      },
    };
    const entries = {
      'd/victim': { type: 'file', text: 'hello' },
      other: { type: 'dir' },
    } as const;
    const error = await caught(() => apply({ entries }, target));
    expect(error.code).toBe('data-loss');
    expect(error.details['path']).toBe('d/victim');
    expect(error.message).toContain(said);
  });

  test('a mode that tar did not keep is set; one that stays another is data-loss', async () => {
    const loosening: WorkspaceTarget = {
      ...workspace,
      async putArchive(tar, call) {
        await workspace.putArchive(tar, call);
        chmodSync(path.join(workspace.workspace, 'f'), 0o4711);
      },
    };
    const entries = { f: { type: 'file', text: 'hello', mode: '0666' } } as const;
    expect((await apply({ entries }, loosening)).entries[0]).toMatchObject({ mode: '0666' });
    expect(lstatSync(path.join(workspace.workspace, 'f')).mode & 0o7777).toBe(0o666);
    const stubborn: WorkspaceTarget = {
      ...workspace,
      async run(argv, call, input) {
        const result = await workspace.run(argv, call, input);
        const text = Buffer.from(result.stdout).toString().replace('81b6 5', '81a4 5');
        return { ...result, stdout: Buffer.from(text) };
      },
    };
    const error = await caught(() => apply({ entries }, stubborn));
    expect(error.details).toMatchObject({ path: 'f', expected: 'mode 0666', actual: 'mode 0644' });
  });

  test('a parent that the guest replaced by a link is noticed, whatever tar made of it', async () => {
    const outside = path.join(workspace.base, 'outside');
    mkdirSync(outside);
    const target: WorkspaceTarget = {
      ...workspace,
      async putArchive(tar, call) {
        await workspace.putArchive(tar, call);
        rmSync(path.join(workspace.workspace, 'd'), { recursive: true });
        writeFileSync(path.join(outside, 'f'), 'x', { mode: 0o644 });
        symlinkSync(outside, path.join(workspace.workspace, 'd'));
      },
    };
    const error = await caught(() =>
      apply({ entries: { 'd/f': { type: 'file', text: 'x' } } }, target),
    );
    expect(error.code).toBe('data-loss');
    expect(error.details['path']).toBe('d');
  });

  test.each<[string, (file: string) => void]>([
    ['other bytes of the same length', (file) => writeFileSync(file, 'two')],
    ['more bytes', (file) => writeFileSync(file, 'three')],
    ['fewer bytes', (file) => truncateSync(file, 1)],
  ])('a source that now has %s is aborted, naming it', async (_what, change) => {
    const file = path.join(source, 'f');
    writeFileSync(file, 'one');
    const call = freshCall();
    const manifest = {
      spec: 'gantry-manifest/1',
      entries: { at: { type: 'localDir', source: 'source' } },
    } as const;
    const resolved = await resolveManifest(manifest, { baseDirectory: workspace.base, call });
    change(file);
    const plan = planManifest(resolved, workspace);
    const error = await caught(() => materialize(resolved, plan, workspace, call));
    expect(error.code).toBe('aborted');
    expect(error.message).toContain(`${file} changed while it was sent`);
  });

  test('a source that fails is the error, whatever the provider says of the broken stream', async () => {
    writeFileSync(path.join(source, 'f'), 'one');
    const target: WorkspaceTarget = {
      ...workspace,
      async putArchive(tar) {
        writeFileSync(path.join(source, 'f'), 'two');
        for await (const _chunk of tar);
      },
    };
    const deaf: WorkspaceTarget = {
      ...target,
      putArchive: (tar, call) => target.putArchive(tar, call).catch(() => undefined),
    };
    const rude: WorkspaceTarget = {
      ...target,
      putArchive: (tar, call) =>
        target.putArchive(tar, call).catch(() => Promise.reject(new Error('socket hang up'))),
    };
    for (const each of [deaf, rude]) {
      writeFileSync(path.join(source, 'f'), 'one');
      const entries = { at: { type: 'localDir', source: 'source' } } as const;
      expect((await caught(() => apply({ entries }, each))).code).toBe('aborted');
    }
  });

  test('abort ends it', async () => {
    const abort = new AbortController();
    const target: WorkspaceTarget = {
      ...workspace,
      putArchive: (tar, call) => {
        abort.abort(new Error('enough'));
        return workspace.putArchive(tar, call);
      },
    };
    const entries = { f: { type: 'file', text: 'x' } } as const;
    await expect(apply({ entries }, target, freshCall(abort.signal))).rejects.toThrow(
      /enough|abort/,
    );
  });
});

test('memory stays flat however large a file is', () => {
  const program = path.join(import.meta.dirname, '../../test/manifest/send-large-file.ts');
  const measure = (megabytes: number): { sent: string; collected: string; peakMegabytes: number } =>
    JSON.parse(execFileSync(process.execPath, [program, String(megabytes)]).toString()) as never;
  const [small, large] = [measure(1), measure(300)];
  expect(large.sent).toBe(
    createHash('sha256')
      .update(Buffer.alloc(300 * 1024 * 1024))
      .digest('hex'),
  );
  expect(large.collected).toBe(large.sent);
  expect(large.peakMegabytes - small.peakMegabytes).toBeLessThan(100);
}, 60_000);
