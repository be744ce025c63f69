import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Sandbox } from '@gantry/core';
import type { CheckContext } from '../../runner/check-context.ts';

/** What a guest-side script found: names and values of its lines `name=value`. */
export type Findings = ReadonlyMap<string, string>;

/**
 * What every script starts with: `say` prints a finding, `can` says whether a command succeeds (it
 * prints nothing), `openable` whether a file can be opened for writing; nothing is written.
 */
const preamble = `
say() { printf '%s=%s\\n' "$1" "$2"; }
can() { if "$@" >/dev/null 2>&1 </dev/null; then echo yes; else echo no; fi; }
has() { command -v "$1" >/dev/null 2>&1; }
openable() { if [ -e "$1" ] && ( : <> "$1" ) 2>/dev/null; then echo yes; else echo no; fi; }
readable() { if head -c 1 "$1" >/dev/null 2>&1 </dev/null; then echo yes; else echo no; fi; }
`;

/** Runs a script in a sandbox and returns what it found. A script that fails fails the check. */
export async function probe(
  t: CheckContext,
  sandbox: Sandbox,
  script: string,
  args: readonly string[] = [],
): Promise<Findings> {
  const result = await sandbox.exec(['/bin/sh', '-c', preamble + script, 'probe', ...args], {
    timeoutMs: t.limits.check,
  });
  const text = t.succeeded(result, 'the probe in the sandbox');
  const findings = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) findings.set(line.slice(0, at), line.slice(at + 1));
  }
  t.ok(findings.size > 0, 'the probe found nothing at all');
  return findings;
}

/** Does something while a process of the host with a marker in its command line and environment runs. */
export async function withHostProcess(
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

/**
 * Fails where the guest sees a process of the host. To be called before a guest signals everything that it can: without
 * a process namespace, that would end the machine.
 */
export async function requireOwnProcesses(
  t: CheckContext,
  sandbox: Sandbox,
  marker: string,
): Promise<void> {
  const script =
    'for p in /proc/[0-9]*; do case $(tr "\\0" " " < "$p/cmdline" 2>/dev/null) in *probe*) ;; *"$1"*) say host "$p";; esac; done; say done yes';
  const seen = await probe(t, sandbox, script, [marker]);
  t.ok(!seen.has('host'), 'processes of the host can be seen');
}

/** Does something with a directory of the host that holds a canary file of unguessable contents. */
export async function withCanary(
  parent: string,
  work: (canary: { directory: string; file: string; contents: string }) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(path.join(parent, 'gantry-canary-'));
  const file = path.join(directory, 'canary');
  const contents = `canary-${randomBytes(12).toString('hex')}`;
  try {
    // Nothing but isolation keeps a guest out.
    await chmod(directory, 0o777);
    await writeFile(file, contents);
    await chmod(file, 0o666);
    await work({ directory, file, contents });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
