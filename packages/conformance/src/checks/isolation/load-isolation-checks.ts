import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SandboxError, type ExecResult, type ResourceRequest, type Sandbox } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { probe, requireOwnProcesses, withHostProcess } from './probe.ts';

const needs = { isolation: true } as const;
const mebibyte = 1024 * 1024;

/** A neighbour that must answer while someone misbehaves. */
async function neighbourAnswers(
  t: CheckContext,
  misbehave: (signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const neighbour = await t.create();
  const control = new AbortController();
  const running = misbehave(control.signal);
  running.catch(() => undefined);
  try {
    for (let round = 0; round < 5; round++) {
      const answer = await t.promptly(
        t.limits.prompt,
        neighbour.exec(`echo ${round}`),
        'a command of the neighbour',
      );
      t.equal(answer.stdout.text, `${round}\n`, 'answer of the neighbour');
    }
  } finally {
    control.abort();
    await Promise.allSettled([running]);
  }
}

export const loadIsolationChecks: readonly Check[] = [
  must(
    'isolation/output-flood',
    'isolation-neighbours',
    'a flood of output stops no neighbour and fills no memory',
    async (t) => {
      const sandbox = await t.create();
      const before = process.memoryUsage().rss;
      await neighbourAnswers(t, (signal) =>
        sandbox.exec('while :; do head -c 1000000 /dev/zero; printf "\\033]0;x\\007\\n"; done', {
          maxOutputBytes: 10_000,
          signal,
        }),
      );
      const grown = process.memoryUsage().rss - before;
      t.ok(
        grown < 300 * 1024 * 1024,
        `the host process grew by ${Math.round(grown / 1024 / 1024)} MB`,
      );
      t.equal(
        (await sandbox.exec('echo on')).stdout.text,
        'on\n',
        'the flooding sandbox afterwards',
      );
    },
    { needs },
  ),
  must(
    'isolation/busy-neighbour',
    'isolation-neighbours',
    'busy processes and open files of one sandbox stop no other',
    async (t) => {
      const sandbox = await t.create();
      await neighbourAnswers(t, (signal) =>
        sandbox.exec(
          'i=0; while [ $i -lt 60 ]; do i=$((i+1)); sleep 20 & done; exec 3</dev/null; while :; do : ; done',
          { signal },
        ),
      );
      const files =
        'exec 3</dev/null 4</dev/null 5</dev/null 6</dev/null 7</dev/null 8</dev/null 9</dev/null';
      const line = `i=0; while [ $i -lt 60 ]; do i=$((i+1)); (${files}; exec sleep 1) & done; wait; say opened "$i"`;
      const found = await probe(t, sandbox, line);
      t.equal(found.get('opened'), '60', 'processes with open files');
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'the sandbox afterwards');
    },
    { needs },
  ),
  must(
    'isolation/contained',
    'limits-contained',
    'a guest that uses up what it has keeps neither neighbour nor host from working',
    async (t) => {
      const can = t.capabilities.resources?.settable ?? [];
      const resources = Object.fromEntries(
        Object.entries({ pids: 64, memoryBytes: 64 * mebibyte, diskBytes: 32 * mebibyte }).filter(
          ([name]) => can.some((settable) => settable === name),
        ),
      );
      const manifest = { spec: 'gantry-manifest/1', resources } as const;
      for (const [what, line] of Object.entries(wild)) {
        const sandbox = await t.create({ manifest });
        await neighbourAnswers(t, (signal) => sandbox.exec(line, { signal }));
        const host = promisify(execFile)('/bin/echo', [what]);
        const { stdout } = await t.promptly(t.limits.prompt, host, 'a process of the host');
        t.equal(stdout, `${what}\n`, 'what a process of the host says');
        await sandbox.destroy();
      }
    },
    { needs, extraMs: 20_000 },
  ),
  must(
    'isolation/process-limit',
    'isolation-limits',
    'where processes are limited, a bomb is stopped and the sandbox works on',
    async (t) => {
      const sandbox = await limited(t, 'pids', { pids: 64 });
      if (!sandbox) return;
      await withHostProcess(t, (_child, marker) => requireOwnProcesses(t, sandbox, marker));
      const bomb =
        'i=0; while [ $i -lt 300 ]; do i=$((i+1)); sleep 60 2>/dev/null & done; ls -d /proc/[0-9]* | wc -l';
      const result = await unlessStopped(sandbox.exec(bomb, { timeoutMs: t.limits.check }));
      t.ok(
        Number(result?.stdout.text ?? 0) < 200,
        'a bomb of 300 processes was let through where 64 are allowed',
      );
      await sandbox.exec('kill -9 -1').catch(() => undefined);
      await t.eventually(t.limits.settle, () => answers(sandbox), 'the sandbox working again');
    },
    { needs, extraMs: 10_000 },
  ),
  must(
    'isolation/memory-limit',
    'isolation-limits',
    'where memory is limited, a guest that takes more is stopped alone',
    async (t) => {
      const sandbox = await limited(t, 'memory', { memoryBytes: 64 * 1024 * 1024 });
      if (!sandbox) return;
      // A variable that doubles to 256 MiB: plain sh takes what it is given.
      const line =
        'x=0123456789abcdef; i=0; while [ $i -lt 24 ]; do i=$((i+1)); x=$x$x; done; echo all';
      const result = await unlessStopped(sandbox.exec(line, { timeoutMs: t.limits.check }));
      t.ok(result?.stdout.text !== 'all\n', '256 MiB were let through where 64 are allowed');
      await t.eventually(t.limits.settle, () => answers(sandbox), 'the sandbox working again');
    },
    { needs, extraMs: 10_000 },
  ),
  must(
    'isolation/disk-limit',
    'files-full',
    'where the disk is limited, filling it is no-space and nothing else',
    async (t) => {
      const sandbox = await limited(t, 'disk', { diskBytes: 32 * 1024 * 1024 });
      if (!sandbox) return;
      const line = 'head -c 100000000 /dev/zero > fill && echo all; rm -f fill';
      const result = await sandbox.exec(line, { timeoutMs: t.limits.check });
      t.ok(result.stdout.text !== 'all\n', '100 MB were let through where 32 MiB are allowed');
      const write = sandbox.files.write('big', new Uint8Array(60_000_000));
      const error = await t.rejects('resource-exhausted', write, 'files.write of 60 MB');
      t.equal(error.details['reason'], 'no-space', 'details.reason');
      t.equal(await sandbox.files.exists('big'), false, 'whether a part of it is there');
      t.ok(await answers(sandbox), 'the sandbox does not work any more');
    },
    { needs, extraMs: 10_000 },
  ),
];

/** What a guest does that has run wild, in a few bounded shapes. */
const wild = {
  processes: 'i=0; while [ $i -lt 200 ]; do i=$((i+1)); sleep 5 & done; wait',
  memory: 'x=0123456789abcdef; i=0; while [ $i -lt 23 ]; do i=$((i+1)); x=$x$x; done; sleep 5',
  disk: 'head -c 60000000 /dev/zero > fill; while :; do echo x >> more; done',
  files:
    'n=3; while [ $n -lt 2000 ]; do eval "exec $n</dev/null" || break; n=$((n+1)); done; sleep 5',
} as const;

const settable = { pids: 'pids', memory: 'memoryBytes', disk: 'diskBytes' } as const;

/** A sandbox with a limit; none where the trait says that nothing is limited, or the limit is not ours to set. */
async function limited(
  t: CheckContext,
  name: keyof typeof settable,
  resources: ResourceRequest,
): Promise<Sandbox | undefined> {
  const can = t.capabilities.resources?.settable.includes(settable[name]) ?? false;
  if (t.claims.limits[name] === 'enforced' && can) {
    return t.create({ manifest: { spec: 'gantry-manifest/1', resources } });
  }
  if (t.claims.limits[name] === 'none')
    t.weaker(`${name} is not limited: a guest takes what there is`);
  const error = can
    ? undefined
    : await t.rejects(
        'unsupported',
        () => t.create({ manifest: { spec: 'gantry-manifest/1', resources } }),
        `create with a limit of ${name}`,
      );
  t.ok(error !== undefined || can, 'a limit that cannot be set was not refused');
  return undefined;
}

/** The result of a command; none where it was stopped for what it took. That it took too long decides nothing. */
async function unlessStopped(work: Promise<ExecResult>): Promise<ExecResult | undefined> {
  try {
    return await work;
  } catch (error) {
    if (SandboxError.is(error) && error.code !== 'deadline-exceeded') return undefined;
    throw error;
  }
}

async function answers(sandbox: Sandbox): Promise<boolean> {
  const result = await sandbox.exec('echo on').catch(() => undefined);
  return result?.stdout.text === 'on\n';
}
