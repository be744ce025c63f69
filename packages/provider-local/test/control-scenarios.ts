import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { refusedCalls } from '../src/seccomp/syscall-numbers.ts';
import { isRoot, recordOf, type Scenario, shell } from './scenario.ts';

const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
const [EPERM, ENOSYS, EAFNOSUPPORT] = [1, 38, 97];

/** A Perl program that makes system calls and prints each one's error number (0: it worked). */
function callsProgram(calls: readonly (readonly number[])[]): string {
  const lines = calls.map((call) => `$! = 0; syscall(${call.join(', ')}); print $! + 0, "\\n";`);
  return `$| = 1; ${lines.join(' ')}`;
}

/** What holds of the isolation: one scenario for each control. */
export const controlScenarios: readonly Scenario[] = [
  {
    name: 'runs commands without capabilities and new privileges, under a filter, as nobody of the host',
    async run(context) {
      await using sandbox = await context.provider.create();
      const status = await shell(sandbox, 'cat /proc/self/status');
      for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) {
        assert.match(status, new RegExp(`^Cap${set}:\\t0{16}$`, 'm'));
      }
      assert.match(status, /^NoNewPrivs:\t1$/m);
      assert.match(status, /^Seccomp:\t2$/m);
      assert.match(status, /^Uid:\t1000\t1000\t1000\t1000$/m);
      // An ordinary user's other groups stay, as groups that have no name in there.
      assert.match(status, /^Groups:\t(65534 )* *$/m);
      const host = readFileSync(`/proc/${recordOf(context, sandbox).main.pid}/status`, 'utf8');
      const uid = Number(/^Uid:\t(\d+)/m.exec(host)?.[1]);
      assert.notEqual(uid, 0);
      if (isRoot) assert.ok(uid >= 0x70000000, `uid ${uid} is one of the sandboxes' own`);
    },
  },
  {
    name: 'refuses every system call of the list',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const calls = Object.entries(refusedCalls).flatMap(([name, numbers]) => {
        const number = numbers[architecture];
        return number === undefined ? [] : [{ name, number }];
      });
      const program = callsProgram(calls.map(({ number }) => [number, 0, 0, 0, 0, 0, 0]));
      const { stdout, stderr } = await sandbox.exec(['perl', '-e', program]);
      const answers = stdout.text.trim().split('\n').map(Number);
      assert.equal(answers.length, calls.length, stderr.text);
      const allowed = calls.filter((_, index) => answers[index] !== EPERM).map(({ name }) => name);
      assert.deepEqual(allowed, []);
    },
  },
  {
    name: 'looks at the arguments of clone, socket and ioctl, and kills callers of x32',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const [clone, socket, ioctl] = architecture === 'x64' ? [56, 41, 16] : [220, 198, 29];
      const cases: readonly (readonly [number, readonly number[]])[] = [
        ...[0x10000000, 0x20000, 0x40000000, 0x20000000, 0x2000000, 0x4000000, 0x8000000].map(
          (flag) => [EPERM, [clone, flag + 17, 0, 0, 0, 0]] as const,
        ),
        [ENOSYS, [435, 0, 0]],
        ...[40, 17, 38, 31, 15, 30, 44].map(
          (family) => [EAFNOSUPPORT, [socket, family, 1, 0]] as const,
        ),
        [EPERM, [socket, 2, 3, 1]],
        [EPERM, [socket, 10, 3, 58]],
        [EPERM, [socket, 2, 3 + 0o2000000, 1]],
        [EPERM, [socket, 16, 3, 12]],
        [0, [socket, 16, 3, 0]],
        [0, [socket, 1, 1, 0]],
        [0, [socket, 2, 1, 0]],
        [0, [socket, 10, 2, 0]],
        [EPERM, [ioctl, 0, 0x5412, 0]],
      ];
      const { stdout } = await sandbox.exec([
        'perl',
        '-e',
        callsProgram(cases.map(([, call]) => call)),
      ]);
      assert.deepEqual(
        stdout.text.trim().split('\n').map(Number),
        cases.map(([error]) => error),
      );
      if (architecture === 'x64') {
        const x32 = await sandbox.exec(['perl', '-e', callsProgram([[0x40000000 + 39]])]);
        assert.deepEqual(x32.exit, { signal: 'SIGSYS' });
      }
    },
  },
  {
    name: 'opens nothing of the host’s kernel for writing, and makes no namespace, mount or device',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const files = [
        ...[
          '/proc/sys/kernel/core_pattern',
          '/proc/sys/kernel/modprobe',
          '/proc/sys/vm/drop_caches',
        ],
        ...['/proc/sysrq-trigger', '/proc/sys/kernel/hostname', '/proc/self/oom_score_adj_none'],
        ...[
          '/proc/kcore',
          '/proc/kmsg',
          '/dev/mem',
          '/dev/kvm',
          '/dev/vda',
          '/sys/kernel/uevent_helper',
        ],
      ];
      for (const file of files) {
        // Opened only, and never written to.
        const opened = await sandbox.exec(`true >>${file}`);
        assert.ok(!opened.ok, `${file} was opened for writing`);
      }
      for (const line of [
        ...[
          'unshare -U true',
          'unshare -m true',
          'mount -t tmpfs none /tmp',
          'mount -t proc none /tmp',
        ],
        ...['mknod /tmp/disk b 8 0', 'mknod /tmp/memory c 1 1', 'chroot /usr true', 'su -c true'],
        ...['mount -o remount,rw /usr', 'umount /proc/sys', 'nsenter -t 1 -m true'],
      ]) {
        assert.ok(!(await sandbox.exec(line)).ok, `${line} worked`);
      }
    },
  },
  {
    name: 'shows no file of the host but its programs, and lets none of them be changed',
    async run({ provider, scratch }) {
      await using sandbox = await provider.create();
      for (const file of [
        '/etc/shadow',
        '/etc/ssl/private',
        '/etc/machine-id',
        '/root',
        '/home',
        scratch,
        '/var/run/docker.sock',
        '/var/lib',
      ]) {
        assert.equal(await sandbox.files.exists(file), false, file);
      }
      for (const file of [
        '/x',
        '/usr/x',
        '/etc/x',
        '/etc/passwd',
        '/dev/x',
        '/run/gantry/x',
        '/run/gantry/agent',
        '/var/x',
      ]) {
        assert.ok(!(await sandbox.exec(`true >>${file}`)).ok, `${file} was opened for writing`);
      }
      for (const file of ['/run/gantry/ctl', '/usr/bin/env']) {
        assert.ok(!(await sandbox.exec(`rm -f ${file}`)).ok, `${file} was removed`);
        assert.ok(!(await sandbox.exec(`chmod 777 ${file}`)).ok, `${file} got another mode`);
      }
      await shell(sandbox, 'touch /tmp/x /run/x /dev/shm/x /workspace/x');
      assert.ok(
        !(await sandbox.exec('head -c 70000000 /dev/zero >/run/big')).ok,
        '/run is bounded',
      );
      assert.match(
        await shell(sandbox, 'cat /etc/passwd /etc/hostname; hostname'),
        /gantry\ngantry\n$/,
      );
    },
  },
  {
    name: 'shows the guest its own processes only',
    async run({ provider }) {
      await using sandbox = await provider.create();
      await using other = await provider.create();
      const own = await sandbox.spawn(['sleep', '1000']);
      const listed = await shell(other, 'cat /proc/[0-9]*/cmdline | tr "\\0" " "');
      assert.ok(!listed.includes('sleep 1000'));
      assert.ok(
        (await shell(sandbox, 'cat /proc/[0-9]*/cmdline | tr "\\0" " "')).includes('sleep 1000'),
      );
      const pids = (await shell(other, 'ls /proc'))
        .split('\n')
        .filter((name) => /^\d+$/.test(name));
      assert.ok(pids.length <= 6, `it sees ${pids.length} processes`);
      await own.kill('SIGKILL');
    },
  },
  {
    name: 'has no network but its own loopback',
    async run({ provider }) {
      const server = createServer((socket) => socket.end('reached'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const { port } = server.address() as { port: number };
        await using sandbox = await provider.create();
        const devices = await shell(sandbox, 'cat /proc/net/dev');
        assert.deepEqual(
          devices.match(/^ *\w+(?=:)/gm)?.map((name) => name.trim()),
          ['lo'],
        );
        for (const [host, target] of [
          ['127.0.0.1', port],
          ['169.254.169.254', 80],
          ['1.1.1.1', 443],
        ]) {
          const program =
            'use IO::Socket::INET; exit !IO::Socket::INET->new(PeerAddr => $ARGV[0], Timeout => 3)';
          const result = await sandbox.exec(['perl', '-e', program, '--', `${host}:${target}`]);
          assert.deepEqual(result.exit, { code: 1 }, `${host}:${target}`);
        }
      } finally {
        server.close();
      }
    },
  },
  {
    name: 'keeps two sandboxes apart: uid, workspace, temporary files',
    async run(context) {
      await using one = await context.provider.create();
      await using two = await context.provider.create();
      const [first, second] = [recordOf(context, one), recordOf(context, two)];
      if (isRoot) assert.notEqual(first.uid, second.uid);
      await shell(one, 'echo secret | tee /workspace/mine /tmp/mine /dev/shm/mine >/dev/null');
      for (const file of ['/workspace/mine', '/tmp/mine', '/dev/shm/mine']) {
        assert.equal(await two.files.exists(file), false, file);
      }
      const directory = path.join(context.stateDirectory, 'sandboxes', one.ref.id);
      assert.ok(!(await two.exec(['ls', directory])).ok);
      assert.ok(!(await two.exec(['kill', '-0', String(first.main.pid)])).ok);
    },
  },
  {
    name: 'shows a host mount read-only unless it is asked for writable, below closed directories too',
    async run({ provider, scratch }) {
      const closed = path.join(scratch, 'closed');
      const source = path.join(closed, 'source');
      mkdirSync(source, { recursive: true, mode: 0o700 });
      mkdirSync(path.join(closed, 'open'), { mode: 0o777 });
      writeFileSync(path.join(source, 'file'), 'contents');
      const manifest = {
        spec: 'gantry-manifest/1',
        entries: {
          data: { type: 'hostMount', source },
          'deep/file': { type: 'hostMount', source: path.join(source, 'file') },
        },
      } as const;
      if (isRoot) {
        const { chmodSync } = await import('node:fs');
        chmodSync(source, 0o755);
      }
      await using sandbox = await provider.create({ manifest });
      assert.equal(await sandbox.files.readText('data/file'), 'contents');
      assert.equal(await sandbox.files.readText('deep/file'), 'contents');
      assert.ok(!(await sandbox.exec('true >>data/file')).ok);
      assert.ok(!(await sandbox.exec('touch data/new')).ok);
      assert.ok(!(await sandbox.exec('mount -o remount,rw,bind /workspace/data')).ok);
    },
  },
];
