import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { beside } from './beside.ts';
import { recordOf, type Scenario, shell } from './scenario.ts';

/** What every process of the sandbox has open, its directory, its root and its program, one line each. */
const everyLink =
  'for one in /proc/[0-9]*; do for link in $one/fd/* $one/cwd $one/root; do readlink "$link"; done; done 2>/dev/null; :';

/** Places of the sandbox itself, and what is no file. */
const inside =
  /^(\/|\/workspace|\/proc(\/.*)?|\/dev\/null|\/run\/gantry\/[a-z0-9.-]+|pipe:\[\d+\]|\/tmp)$/;

/** Makes namespaces by each call there is for it; prints what each said. */
const namespaces = `for (0x10000000, 0x00020000, 0x20000000, 0x40000000, 0x02000000) {
  $! = 0; my $pid = syscall(56, $_ | 17, 0, 0, 0, 0); if ($pid == 0) { exit 0 } print $pid, " ";
  $! = 0; print syscall(272, $_), " "; } print "\\n";`;

const digest = (file: string): string =>
  createHash('sha256').update(readFileSync(file)).digest('hex');

/** The host's programs that start sandboxes and that sandboxes start with. */
function runtime(): string[] {
  return ['sh', 'setsid', 'env', 'bwrap', 'timeout', 'mount'].map((name) =>
    realpathSync(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()),
  );
}

/** Guests that want more rights than they have, or a way out. */
export const privilegeAttacks: readonly Scenario[] = [
  beside(
    'gains nothing by setuid programs: the host’s, one that is mounted, its own',
    async (context, neighbor) => {
      const source = path.join(context.scratch, 'setuid');
      mkdirSync(source);
      chmodSync(source, 0o755);
      copyFileSync('/usr/bin/id', path.join(source, 'id'));
      chmodSync(path.join(source, 'id'), 0o6755);
      const entries = { data: { type: 'hostMount', source } } as const;
      for (const root of ['read-only', 'copy-on-write'] as const) {
        const manifest = { spec: 'gantry-manifest/1', root, entries } as const;
        await using sandbox = await context.provider.create({ manifest });
        assert.equal(
          await shell(sandbox, 'data/id -u; data/id -ru; data/id -g'),
          '1000\n1000\n1000\n',
        );
        await shell(sandbox, 'cp /usr/bin/id own; chmod 6755 own; test "$(./own -u)" = 1000');
        const mounts = (await shell(sandbox, 'cat /proc/self/mountinfo')).trim().split('\n');
        assert.deepEqual(
          mounts.filter((line) => !/^(\S+ ){5}\S*\bnosuid\b/.test(line)),
          [],
          'every mount ignores setuid',
        );
        assert.match(await shell(sandbox, 'grep NoNewPrivs /proc/self/status'), /\t1\n$/);
      }
      await neighbor.answers();
    },
  ),
  beside('makes no namespace by clone, unshare or setns', async (context, neighbor) => {
    await using sandbox = await context.provider.create();
    if (process.arch === 'x64') {
      const said = await shell(sandbox, `perl -e '${namespaces}'`);
      assert.deepEqual(new Set(said.trim().split(' ')), new Set(['-1']));
    }
    for (const line of [
      ...['unshare -Ur true', 'unshare -Urm true', 'unshare -Urpf true', 'unshare -n true'],
      ...['nsenter -t 1 -U true', 'nsenter -t 1 -m true', 'bwrap --ro-bind / / true'],
    ]) {
      assert.ok(!(await sandbox.exec(line)).ok, `${line} worked`);
    }
    await neighbor.answers();
  }),
  beside('sees no control group, and can mount and write none', async (context, neighbor) => {
    await using sandbox = await context.provider.create();
    const mounts = await shell(sandbox, 'cat /proc/self/mountinfo; cat /proc/self/cgroup');
    assert.ok(!/ cgroup2? /.test(mounts), mounts);
    for (const { path: group } of recordOf(context, sandbox).cgroups) {
      assert.ok(!mounts.includes(path.basename(group)), 'its own group has no name in there');
      assert.ok(!(await sandbox.exec(`echo 1 >${group}/cgroup.procs`)).ok);
    }
    for (const type of ['cgroup', 'cgroup2', 'cgroup -o none,name=x']) {
      assert.ok(!(await sandbox.exec(`mount -t ${type} none /tmp`)).ok, type);
    }
    assert.equal(await sandbox.files.exists('/sys/fs/cgroup'), false);
    await neighbor.answers();
  }),
  beside(
    'holds nothing of the host: descriptors, directories and roots',
    async (context, neighbor) => {
      await using sandbox = await context.provider.create();
      await using _other = await sandbox.spawn(['cat'], { stdin: 'stream' });
      const links = (await shell(sandbox, everyLink)).trim().split('\n');
      assert.ok(links.length > 8, links.join('\n'));
      assert.deepEqual(
        links.filter((link) => !inside.test(link)),
        [],
      );
      const here = 'stat -Lc "%d %i" / /workspace';
      for (const pid of ['1', 'self']) {
        const there = `stat -Lc "%d %i" /proc/${pid}/root /proc/${pid}/cwd`;
        assert.equal(await shell(sandbox, there), await shell(sandbox, here), pid);
      }
      const entered = await shell(
        sandbox,
        'n=0; while [ $n -lt 64 ]; do (cd /proc/self/fd/$n && pwd -P; cd /proc/1/fd/$n && pwd -P); n=$((n+1)); done 2>/dev/null; :',
      );
      assert.equal(entered, '', 'no descriptor is a directory');
      await neighbor.answers();
    },
  ),
  beside(
    'changes no program of the host through /proc/PID/exe while commands start',
    async (context, neighbor) => {
      const programs = runtime();
      const before = programs.map(digest);
      await using sandbox = await context.provider.create();
      const attack =
        'while :; do for exe in /proc/[0-9]*/exe; do { : >>$exe; } 2>/dev/null && echo opened; done; done';
      const attacker = await sandbox.spawn(attack);
      let opened = '';
      const reading = (async () => {
        for await (const part of attacker.stdout) opened += Buffer.from(part).toString();
      })();
      for (let round = 0; round < 25; round += 1) {
        await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(() => shell(sandbox, 'true')));
      }
      await neighbor.answers();
      await attacker.kill('SIGKILL');
      await reading;
      assert.equal(opened, '');
      assert.deepEqual(programs.map(digest), before);
    },
  ),
  beside('finds no socket of the host, by path or by abstract name', async (context, neighbor) => {
    const name = `gantry-abstract-${process.pid}`;
    const reached: string[] = [];
    const servers = [`\0${name}`, path.join(context.scratch, 'socket')].map((address) =>
      createServer((socket) => {
        reached.push(address);
        socket.destroy();
      }).listen(address),
    );
    try {
      await using sandbox = await context.provider.create();
      const found = await sandbox.exec(
        'find / -xdev -type s; find /run /tmp /dev -type s; find /proc/1/root/var -type s',
      );
      assert.equal(found.stdout.text, '');
      const connect = `use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die;
exit(connect($s, pack("S a*", AF_UNIX, $ARGV[0])) ? 0 : 7)`;
      const abstract = await sandbox.exec([
        'perl',
        '-e',
        connect.replace('$ARGV[0]', `"\\0${name}"`),
      ]);
      assert.deepEqual(abstract.exit, { code: 7 }, abstract.stderr.text);
      const byPath = await sandbox.exec([
        'perl',
        '-e',
        connect,
        '--',
        path.join(context.scratch, 'socket'),
      ]);
      assert.deepEqual(byPath.exit, { code: 7 }, byPath.stderr.text);
      assert.ok(!(await shell(sandbox, 'cat /proc/net/unix')).includes('gantry-abstract'));
      assert.deepEqual(reached, []);
      await neighbor.answers();
    } finally {
      for (const server of servers) server.close();
    }
  }),
];
