import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { must, should, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { probe } from './probe.ts';

const needs = { isolation: true } as const;

/** Does something while a process of the host with a marker in its command line and environment runs. */
async function withHostProcess(
  t: CheckContext,
  work: (child: ChildProcess, marker: string) => Promise<void>,
): Promise<void> {
  const marker = t.word('host-process');
  const child = spawn('sleep', ['300'], {
    argv0: marker,
    env: { PATH: '/usr/bin:/bin', MARK: marker },
    stdio: 'ignore',
  });
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  try {
    await work(child, marker);
  } finally {
    child.kill('SIGKILL');
  }
}

const alive = (child: ChildProcess): boolean =>
  child.exitCode === null && child.signalCode === null;

export const processIsolationChecks: readonly Check[] = [
  must(
    'isolation/processes',
    'isolation-processes',
    'no process of the host or of another sandbox can be seen',
    async (t) => {
      const [one, two] = await Promise.all([t.create(), t.create()]);
      const other = t.word('other-sandbox');
      await using _running = await two.spawn(['sh', '-c', 'while :; do sleep 1; done', other]);
      await withHostProcess(t, async (_child, marker) => {
        const script = `n=0; for p in /proc/[0-9]*; do n=$((n+1)); c=$(tr '\\0' ' ' < "$p/cmdline" 2>/dev/null); case $c in *probe*) ;; *"$1"*) say host "$p";; *"$2"*) say other "$p";; esac; e=$(tr '\\0' '\\n' < "$p/environ" 2>/dev/null); case $e in *"MARK=$1"*) say environ "$p";; esac; done; say count "$n"`;
        const found = await probe(t, one, script, [marker, other]);
        t.equal(
          [...found.keys()].filter((name) => name !== 'count'),
          [],
          'what was seen of others',
        );
        t.ok(Number(found.get('count')) < 64, `the sandbox sees ${found.get('count')} processes`);
      });
    },
    { needs },
  ),
  must(
    'isolation/signals',
    'isolation-processes',
    'no signal reaches a process of the host',
    async (t) => {
      const sandbox = await t.create();
      await withHostProcess(t, async (child) => {
        const found = await probe(
          t,
          sandbox,
          'for s in TERM INT KILL; do kill -$s "$1" 2>/dev/null; kill -$s "-$1" 2>/dev/null; done; say done yes',
          [String(child.pid)],
        );
        t.equal(found.get('done'), 'yes', 'the probe');
        await new Promise((resolve) => setTimeout(resolve, 50));
        t.ok(alive(child), 'a process of the host was killed from inside');
      });
    },
    { needs },
  ),
  should(
    'isolation/agent-survives',
    'isolation-agent',
    'a guest that kills everything it can does not cut itself off',
    async (t) => {
      const sandbox = await t.create();
      await withHostProcess(t, async (child, marker) => {
        const script =
          'for p in /proc/[0-9]*; do case $(tr "\\0" " " < "$p/cmdline" 2>/dev/null) in *probe*) ;; *"$1"*) say host "$p";; esac; done; say done yes';
        const seen = await probe(t, sandbox, script, [marker]);
        // Without a process namespace this would kill the machine.
        t.ok(!seen.has('host'), 'processes of the host can be seen');
        await sandbox
          .exec('trap "" TERM; kill -TERM -1; kill -KILL -1', { timeoutMs: t.limits.prompt })
          .catch(() => undefined);
        const after = await t.promptly(
          t.limits.command,
          sandbox.exec('echo alive'),
          'a command after kill -1',
        );
        t.equal(after.stdout.text, 'alive\n', 'its output');
        t.ok(alive(child), 'a process of the host was killed from inside');
      });
    },
    { needs },
  ),
  must(
    'isolation/proc-of-host',
    'isolation-processes',
    "a host process's /proc entries show nothing of it",
    async (t) => {
      const { sandbox } = await t.shared();
      await withHostProcess(t, async (child, marker) => {
        const script =
          'for f in environ cmdline; do case $(tr "\\0" " " < "/proc/$1/$f" 2>/dev/null) in *probe*) ;; *"$2"*) say "$f" yes;; esac; done; say done yes';
        const found = await probe(t, sandbox, script, [String(child.pid), marker]);
        t.equal([...found.keys()], ['done'], 'entries that show the host’s process');
      });
    },
    { needs },
  ),
  must(
    'isolation/namespaces',
    'isolation-processes',
    'the sandbox has its own process, mount, IPC, name and network namespaces',
    async (t) => {
      const { sandbox } = await t.shared();
      const kinds = ['pid', 'mnt', 'ipc', 'uts', 'net'] as const;
      const found = await probe(
        t,
        sandbox,
        `for n in ${kinds.join(' ')}; do say "$n" "$(readlink /proc/self/ns/$n)"; done`,
      );
      for (const kind of kinds) {
        if (!existsSync(`/proc/self/ns/${kind}`)) continue;
        const host = readlinkSync(`/proc/self/ns/${kind}`);
        t.ok(found.get(kind) !== host, `the sandbox is in the host's ${kind} namespace, ${host}`);
      }
      t.equal(found.size, kinds.length, 'namespaces that were looked at');
    },
    { needs },
  ),
  must(
    'isolation/environment',
    'isolation-secrets',
    "the host's environment is nowhere in the sandbox",
    async (t) => {
      const name = t.word('GANTRY_CANARY').replaceAll('-', '_');
      const value = t.word('secret');
      process.env[name] = value;
      try {
        const sandbox = await t.create();
        const script = `for p in /proc/[0-9]*; do case $(tr '\\0' '\\n' < "$p/environ" 2>/dev/null) in *"$1"*) say "environ:$p" yes;; esac; done; say done yes`;
        const found = await probe(t, sandbox, script, [name]);
        t.equal([...found.keys()], ['done'], 'processes with a variable of the host');
      } finally {
        delete process.env[name];
      }
    },
    { needs },
  ),
  must(
    'isolation/secrets-on-host',
    'isolation-secrets',
    'environment values are on no command line of the host',
    async (t) => {
      const [early, late] = [t.word('secret-a'), t.word('secret-b')];
      const sandbox = await t.create({
        manifest: { spec: 'gantry-manifest/1', env: { EARLY: early } },
      });
      await using process = await sandbox.spawn('echo "$EARLY $LATE"; exec sleep 30', {
        env: { LATE: late },
      });
      const reader = process.stdout.getReader();
      const first = await t.promptly(t.limits.command, reader.read(), 'output of the process');
      t.equal(
        Buffer.from(first.value ?? []).toString(),
        `${early} ${late}\n`,
        'the variables, where they belong',
      );
      reader.releaseLock();
      t.equal(
        (await t.hostProcesses(early)) ?? [],
        [],
        "processes of the host that show the sandbox's variable",
      );
      t.equal(
        (await t.hostProcesses(late)) ?? [],
        [],
        "processes of the host that show the command's variable",
      );
    },
    { needs },
  ),
  must(
    'isolation/ipc',
    'isolation-workspace',
    'no shared memory, message queue or semaphore is shared',
    async (t) => {
      const { sandbox } = await t.shared();
      const file = `/dev/shm/${t.word('canary')}`;
      let queue: string | undefined;
      try {
        if (existsSync('/dev/shm')) writeFileSync(file, 'host');
        if (existsSync('/usr/bin/ipcmk'))
          queue = /(\d+)\s*$/.exec(execFileSync('ipcmk', ['-Q']).toString())?.[1];
        const script =
          'say file "$(cat "$1" 2>/dev/null)"; for k in shm msg sem; do say "$k" "$(tail -n +2 /proc/sysvipc/$k 2>/dev/null | wc -l)"; done; say posix "$(ls /dev/mqueue 2>/dev/null | wc -l)"';
        const found = await probe(t, sandbox, script, [file]);
        t.equal(found.get('file'), '', "a file of the host's shared memory");
        t.equal(
          ['shm', 'msg', 'sem'].map((kind) => Number(found.get(kind))),
          [0, 0, 0],
          'System V objects in a fresh sandbox',
        );
        if (existsSync('/proc/self/ns/ipc')) {
          const own = await sandbox.exec(['readlink', '/proc/self/ns/ipc']);
          t.ok(
            own.stdout.text.trim() !== readlinkSync('/proc/self/ns/ipc'),
            "the sandbox is in the host's IPC namespace",
          );
        }
      } finally {
        rmSync(file, { force: true });
        if (queue !== undefined) execFileSync('ipcrm', ['-q', queue]);
      }
    },
    { needs },
  ),
  must(
    'isolation/abstract-sockets',
    'isolation-workspace',
    'abstract sockets of the host and of other sandboxes are out of reach',
    async (t) => {
      const { sandbox } = await t.shared();
      const name = t.word('abstract');
      const server = createServer();
      await new Promise<void>((resolve, reject) =>
        server.once('error', reject).listen(`\0${name}`, resolve),
      );
      try {
        const found = await probe(
          t,
          sandbox,
          'say seen "$(grep -c "$1" /proc/net/unix 2>/dev/null)"; say done yes',
          [name],
        );
        t.ok(found.get('seen') !== '1', 'an abstract socket of the host is listed in the sandbox');
        t.equal(
          readFileSync('/proc/net/unix', 'utf8').includes(name),
          true,
          'the socket, on the host',
        );
      } finally {
        server.close();
      }
    },
    { needs },
  ),
  must(
    'isolation/host-user',
    'isolation-privilege',
    'a guest is no privileged user of the host',
    async (t) => {
      const sandbox = await t.create();
      const marker = t.word('owner');
      await using _running = await sandbox.spawn(['sh', '-c', 'while :; do sleep 1; done', marker]);
      let found: number[] = [];
      await t.eventually(
        t.limits.prompt,
        async () => {
          found = (await t.hostProcesses(marker)) ?? [];
          return found.length > 0 || t.claims.isolation !== 'process';
        },
        'the guest’s process showing on the host',
      );
      const uids = found.map((pid) => statSync(`/proc/${pid}`).uid);
      if (t.claims.isolation === 'process')
        t.ok(
          uids.every((uid) => uid !== 0),
          'a guest runs as root of the host',
        );
    },
    { needs },
  ),
  should(
    'isolation/zombies',
    'isolation-reaping',
    'orphaned processes are reaped',
    async (t) => {
      const sandbox = await t.create();
      t.succeeded(
        await sandbox.exec(
          'i=0; while [ $i -lt 150 ]; do i=$((i+1)); (sh -c "exit 0" & ) ; done; wait',
        ),
        'making orphans',
      );
      const count = async (): Promise<number> => {
        const found = await probe(
          t,
          sandbox,
          'n=0; for s in /proc/[0-9]*/stat; do case $(sed "s/.*) //" "$s" 2>/dev/null) in Z*) n=$((n+1));; esac; done; say zombies "$n"',
        );
        return Number(found.get('zombies'));
      };
      await t.eventually(
        t.limits.prompt,
        async () => (await count()) < 5,
        'the end of 150 orphans',
      );
    },
    { needs },
  ),
];
