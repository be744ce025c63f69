import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { must, should, type Check } from '../../check.ts';
import { probe } from './probe.ts';

const needs = { isolation: true } as const;

export const sharedIsolationChecks: readonly Check[] = [
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
      const line = 'echo on; while :; do sleep 1; done';
      await using running = await sandbox.spawn(['sh', '-c', line, marker]);
      await t.promptly(t.limits.command, running.stdout.getReader().read(), 'the guest’s process');
      // Processes of a sandbox on another machine show on none of this one's.
      const found = (await t.hostProcesses(marker)) ?? [];
      if (t.claims.isolation === 'process')
        t.ok(found.length > 0, 'the guest’s process shows nowhere on the host');
      const uids = found.map((pid) => statSync(`/proc/${pid}`).uid);
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
