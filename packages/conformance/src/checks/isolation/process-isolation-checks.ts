import type { ChildProcess } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { must, should, type Check } from '../../check.ts';
import { probe, requireOwnProcesses, withHostProcess } from './probe.ts';

const needs = { isolation: true } as const;

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
        await requireOwnProcesses(t, sandbox, marker);
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
];
