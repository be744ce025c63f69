import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { local } from '../src/index.ts';
import {
  assertNothingLeft,
  type Context,
  isRoot,
  recordOf,
  type Scenario,
  shell,
} from './scenario.ts';

const request = { manifest: { spec: 'gantry-manifest/1', root: 'copy-on-write' } } as const;

/** What packages and people do to a system, and what it looks like afterwards. */
const install = `set -e
echo '#!/bin/sh' >/usr/local/bin/tool; echo 'echo works' >>/usr/local/bin/tool; chmod 755 /usr/local/bin/tool
mkdir -p /usr/lib/tool/deep /opt/tool /srv/data /etc/tool.d /var/lib/tool
echo setting >/etc/tool.d/conf; echo 10.0.0.1 other >>/etc/hosts
mv /etc/nsswitch.conf /etc/nsswitch.conf.old
cp /usr/bin/env /usr/bin/env.new; echo '# more' >>/usr/bin/env.new; mv /usr/bin/env.new /usr/bin/env
rm /usr/bin/tac; ln -s tool /usr/local/bin/other`;

async function hostUntouched(context: Context): Promise<void> {
  const before = readFileSync('/usr/bin/env');
  {
    await using sandbox = await context.provider.create(request);
    await shell(sandbox, install);
    assert.equal(
      await shell(sandbox, 'tool && other && ls -d /opt/tool && tail -1 /etc/hosts'),
      'works\nworks\n/opt/tool\n10.0.0.1 other\n',
    );
    assert.equal((await sandbox.exec(['tac', '/etc/hosts'])).exit.code, 127);
    // The commands after it run with the guest's own `env`.
    assert.equal(await shell(sandbox, 'env GREETING=hi sh -c \'echo "$GREETING"\''), 'hi\n');

    await using other = await context.provider.create(request);
    assert.equal((await other.exec(['tool'])).exit.code, 127);
    assert.ok((await other.exec(['tac', '/etc/hosts'])).ok);
    assert.ok(
      !readFileSync('/proc/self/mountinfo', 'utf8').includes(sandbox.ref.id),
      'no mount on the host',
    );
  }
  assert.ok(existsSync('/usr/bin/tac') && !existsSync('/usr/local/bin/tool'));
  assert.ok(readFileSync('/usr/bin/env').equals(before));
  assertNothingLeft(context);
}

async function leastIsDefault({ provider }: Context): Promise<void> {
  await using sandbox = await provider.create();
  for (const file of ['/usr/local/bin/x', '/etc/x', '/x']) {
    assert.ok(!(await sandbox.exec(['touch', file])).ok, file);
  }
  const { root } = await provider.probe();
  assert.deepEqual(root, { modes: ['read-only', 'copy-on-write'] });
  const finding = (await provider.diagnose()).find(
    ({ control }) => control === 'copy-on-write root',
  );
  assert.equal(finding?.ok, true, finding?.message);
}

/** What docs say cannot be done: files of the host keep their owner, so they are replaced, not written into. */
async function limits({ provider }: Context): Promise<void> {
  await using sandbox = await provider.create(request);
  assert.ok(!(await sandbox.exec('echo >>/usr/bin/ls')).ok);
  assert.ok(!(await sandbox.exec('chmod 777 /usr/bin/ls')).ok);
  assert.ok(!(await sandbox.exec('mount -t tmpfs none /mnt; unshare -Ur true')).ok);
  const status = await shell(sandbox, 'cat /proc/self/status');
  assert.match(status, /^CapEff:\s0{16}$/m);
  assert.match(status, /^CapBnd:\s0{16}$/m);
  assert.match(status, /^NoNewPrivs:\s1$/m);
  assert.match(status, /^Seccomp:\s2$/m);
}

/** A root file system of a shell, a few programs and their libraries. */
const makeTree = `set -e
cd "$1"; mkdir -p usr/bin usr/lib usr/lib64 usr/local etc private host
for name in bin lib lib64; do ln -s "usr/$name" "$name"; done
for program in sh setsid env cat ls rm mv mkdir id chmod touch; do
  file=$(command -v "$program")
  cp -L --parents "$file" .
  ldd "$file" | grep -o '/[^ ]*' | while read -r library; do cp -L --parents "$library" .; done
done
echo original >etc/conf; echo hidden >private/key; chmod 700 private; ln -s etc run; ln -s etc proc`;

async function rootfs(context: Context): Promise<void> {
  // Characters that separate the options of an overlay mount.
  const tree = path.join(context.scratch, 'root:fs, and\\more');
  mkdirSync(tree);
  execFileSync('sh', ['-c', makeTree, 'sh', tree]);
  const { stateDirectory } = context;
  const provider = local({ stateDirectory, rootfs: tree });
  {
    await using sandbox = await provider.create(request);
    await shell(
      sandbox,
      'cd /; rm -f usr/bin/touch; mv etc/conf etc/old; echo new >etc/conf; mkdir -p opt usr/local/x',
    );
    assert.equal(await shell(sandbox, 'cat /etc/conf /etc/old'), 'new\noriginal\n');
    assert.ok((await shell(sandbox, 'cat /proc/self/status')).includes('Seccomp:\t2'));
    // Root's own directory stays closed to the guest, who is not its owner.
    if (isRoot) assert.ok(!(await sandbox.exec('ls /private || cat /private/key')).ok);
  }
  assert.equal(readFileSync(path.join(tree, 'etc/conf'), 'utf8'), 'original\n');
  assert.ok(existsSync(path.join(tree, 'usr/bin/touch')) && !existsSync(path.join(tree, 'opt')));
  assertNothingLeft(context);
}

/** Everything that a guest reads of its mounts: names that say where the host keeps things. */
async function mountNames(context: Context): Promise<void> {
  await using sandbox = await context.provider.create(request);
  const mounts = await shell(sandbox, 'cat /proc/self/mountinfo /proc/1/mounts');
  const overlay = mounts.split('\n').filter((line) => line.includes(' overlay '));
  assert.ok(overlay.length > 0);
  for (const line of overlay) assert.ok(!line.includes(context.stateDirectory), line);
}

async function removedByForce(context: Context): Promise<void> {
  const sandbox = await context.provider.create(request);
  await shell(
    sandbox,
    'mkdir /usr/local/closed && touch /usr/local/closed/in && chmod 000 /usr/local/closed; rm -r /usr/bin/zgrep',
  );
  process.kill(recordOf(context, sandbox).main.pid, 'SIGKILL');
  await context.provider.destroy(sandbox.ref);
  assertNothingLeft(context);
}

/** A state directory where no upper layer can be: tried first, and then refused by name. */
async function refusedElsewhere({ scratch }: Context): Promise<void> {
  const stateDirectory = path.join(scratch, 'elsewhere');
  const script = path.join(import.meta.dirname, 'without-overlay.ts');
  const namespaces = isRoot
    ? ['--mount']
    : ['--user', '--map-current-user', '--keep-caps', '--mount'];
  const unprivileged = isRoot ? [] : ['setpriv', '--inh-caps=-all', '--ambient-caps=-all'];
  const mounts = `set -e; mkdir -p "$1" "$1/../l" "$1/../u" "$1/../w"
mount -t overlay -o ${isRoot ? '' : 'userxattr,'}lowerdir="$1/../l",upperdir="$1/../u",workdir="$1/../w" overlay "$1"
chmod 700 "$1/../w/work"; shift; exec "$@"`;
  const output = execFileSync(
    'unshare',
    [
      ...namespaces,
      'sh',
      '-c',
      mounts,
      'sh',
      stateDirectory,
      ...unprivileged,
      process.execPath,
      script,
      stateDirectory,
    ],
    { encoding: 'utf8' },
  );
  assert.equal(output, 'refused, and a read-only root runs\n');
}

export const copyOnWriteScenarios: readonly Scenario[] = [
  {
    name: 'a copy-on-write root takes what packages do to it; the host and others see nothing',
    run: hostUntouched,
  },
  {
    name: 'a root is read-only unless it is asked for; both modes are declared',
    run: leastIsDefault,
  },
  {
    name: 'a copy-on-write root weakens no control, and files of the host are replaced, not changed',
    run: limits,
  },
  { name: 'mounts of a copy-on-write root name no directory of the host', run: mountNames },
  {
    name: 'a copy-on-write sandbox that was killed leaves nothing, closed directories included',
    run: removedByForce,
  },
  { name: 'a copy-on-write root over a given tree, whatever its path is called', run: rootfs },
  {
    name: 'a copy-on-write root is refused where the state directory can hold no upper layer',
    run: refusedElsewhere,
  },
];
