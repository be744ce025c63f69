import { mkdir, mkdtemp, readFile, rm, symlink, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Manifest } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import { networkTwin } from '../egress/absent-parts.ts';
import { creating, undeclared } from './undeclared.ts';

const spec = 'gantry-manifest/1' as const;

async function withHostDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'gantry-mounted-'));
  try {
    await chmod(directory, 0o777);
    await writeFile(path.join(directory, 'file'), 'of the host', { mode: 0o644 });
    await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const mounted = (source: string, writable?: boolean): Manifest => ({
  spec,
  entries: { data: { type: 'hostMount', source, ...(writable === undefined ? {} : { writable }) } },
});

export const createCapabilityChecks: readonly Check[] = [
  undeclared(
    'mounts',
    'mounts',
    creating({ entries: { data: { type: 'hostMount', source: tmpdir() } } }),
  ),
  must(
    'mounts/read-only',
    'mount-read-only',
    'a host mount is seen, and cannot be changed unless said',
    async (t) => {
      await withHostDirectory(async (directory) => {
        const sandbox = await t.create({ manifest: mounted(directory) });
        t.equal(await sandbox.files.readText('data/file'), 'of the host', 'the file, by files');
        t.equal(
          (await sandbox.exec('cat data/file')).stdout.text,
          'of the host',
          'the file, by a command',
        );
        const line =
          'echo broken > data/file; echo x > data/new; rm -f data/file; chmod 777 data/file; mount -o remount,rw data; echo broken > data/file; true';
        await sandbox.exec(line);
        await t.rejects(
          ['permission-denied', 'unknown'],
          () => sandbox.files.write('data/file', 'broken'),
          'files.write',
        );
        t.equal(
          await readFile(path.join(directory, 'file'), 'utf8'),
          'of the host',
          "the host's file afterwards",
        );
        t.equal(
          (await sandbox.files.list('data')).map(({ name }) => name),
          ['file'],
          'what is in the mount',
        );
        await writeFile(path.join(directory, 'file'), 'of the host!');
        t.equal(
          await sandbox.files.readText('data/file'),
          'of the host!',
          'a change of the host, seen inside',
        );
      });
    },
    { needs: { capability: 'mounts' } },
  ),
  must(
    'mounts/grant',
    'manifest-mount-grant',
    'no grant is given for /, system directories, sockets and links',
    async (t) => {
      const { provider, counts } = t.counted();
      await withHostDirectory(async (directory) => {
        await symlink(directory, `${directory}-link`);
        await mkdir(path.join(directory, 'inner'));
        try {
          for (const source of [
            '/',
            '/proc',
            '/sys',
            '/dev',
            '/run',
            '/proc/self',
            '/dev/shm',
            `${directory}-link`,
            `${directory}-link/inner`,
            '/dev/null',
            path.join(directory, 'missing'),
          ]) {
            await t.rejects(
              ['failed-precondition', 'invalid-argument', 'permission-denied', 'not-found'],
              () => t.create({ manifest: mounted(source) }, provider),
              `a mount of ${source}`,
            );
          }
          t.equal(counts.byOperation.get('create') ?? 0, 0, 'sandboxes made for refused mounts');
          const good = await t.create({ manifest: mounted(directory) }, provider);
          t.equal(await good.files.readText('data/file'), 'of the host', 'a good mount');
        } finally {
          await rm(`${directory}-link`, { force: true });
        }
      });
    },
    { needs: { capability: 'mounts' } },
  ),
  undeclared('users', 'users', (sandbox) => sandbox.exec('true', { user: 'nobody' })),
  must(
    'users/runs-as',
    'users-run-as',
    'a command runs as the user that was asked for',
    async (t) => {
      const { sandbox } = await t.shared();
      const passwd = t
        .succeeded(await sandbox.exec('cat /etc/passwd; echo; id -u'), 'cat')
        .trim()
        .split('\n');
      const own = passwd.at(-1);
      const other = passwd
        .map((line) => line.split(':'))
        .find(([, , uid]) => uid !== undefined && uid !== own && uid !== '0');
      const [name = t.untestable('the sandbox has no second user'), , uid] = other ?? [];
      t.equal(
        (await sandbox.exec('id -u', { user: name })).stdout.text.trim(),
        uid,
        `user ${name}`,
      );
      t.equal((await sandbox.exec('id -u')).stdout.text.trim(), own, 'the next command');
      const unknown = sandbox.exec('id -u', { user: t.word('nobody') });
      await t.rejects(
        ['invalid-argument', 'not-found', 'failed-precondition', 'unknown'],
        unknown,
        'an unknown user',
      );
    },
    { needs: { capability: 'users' } },
  ),
  undeclared('root', 'root', creating({ root: 'read-only' })),
  must(
    'root/modes',
    'root-modes',
    'the root is as it was asked to be',
    async (t) => {
      const modes = t.capabilities.root?.modes ?? [];
      for (const root of ['read-only', 'copy-on-write'] as const) {
        if (!modes.includes(root)) {
          await t.rejects(
            'unsupported',
            () => t.create({ manifest: { spec, root } }),
            `root ${root}`,
          );
          continue;
        }
        const sandbox = await t.create({ manifest: { spec, root } });
        const file = `/usr/${t.word('written')}`;
        const { ok } = await sandbox.exec(`echo x > ${file}`);
        const look =
          'while read -r _ at _ how _; do [ "$at" = / ] && o=$how; done < /proc/mounts; echo "$o"';
        const how = (await sandbox.exec(look)).stdout.text.split(',')[0];
        t.equal(how, root === 'read-only' ? 'ro' : 'rw', `how / is mounted with root ${root}`);
        if (root === 'read-only') t.equal(ok, false, 'whether /usr could be written');
        t.equal(
          (await sandbox.exec('echo x > mine && cat mine')).stdout.text,
          'x\n',
          'the workspace',
        );
      }
    },
    { needs: { capability: 'root' } },
  ),
  networkTwin,
  must(
    'network/modes',
    'network-modes',
    'declared modes are honoured, others refused',
    async (t) => {
      const modes = t.capabilities.network?.modes ?? [];
      for (const mode of ['open', 'allow-list'] as const) {
        const network = mode === 'open' ? { mode } : { mode, allow: ['example.invalid'] };
        if (!modes.includes(mode)) {
          await t.rejects(
            'unsupported',
            () => t.create({ manifest: { spec, network } }),
            `network ${mode}`,
          );
          continue;
        }
        const sandbox = await t.create({ manifest: { spec, network } });
        const interfaces = await sandbox.exec('tail -n +3 /proc/net/dev | grep -cv "^ *lo:"');
        if (mode === 'open')
          t.ok(Number(interfaces.stdout.text) > 0, 'an open network has no interface');
      }
      const none = await t.create({ manifest: { spec, network: { mode: 'none' } } });
      t.equal(
        (await none.exec('tail -n +2 /proc/net/route | wc -l')).stdout.text.trim(),
        '0',
        'routes without network',
      );
      if (!t.capabilities.network?.live)
        await t.rejects('unsupported', () => none.setNetwork({ mode: 'none' }), 'setNetwork');
    },
    { needs: { capability: 'network' } },
  ),
];
