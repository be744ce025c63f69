import { freemem } from 'node:os';
import { must, should, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { probe } from './probe.ts';

const needs = { isolation: true } as const;

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
      const found = await probe(
        t,
        sandbox,
        'n=0; while [ $n -lt 2000 ]; do n=$((n+1)); eval "exec $((n+10))<\\/dev/null" 2>/dev/null || break; done; say opened "$n"',
      );
      t.ok(Number(found.get('opened')) > 0, 'no file could be opened');
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'the sandbox afterwards');
    },
    { needs },
  ),
  must(
    'isolation/process-limit',
    'isolation-limits',
    'where processes are limited, a bomb is stopped and the sandbox works on',
    async (t) => {
      const sandbox = await t.create();
      if (t.claims.limits.pids !== 'enforced') {
        t.weaker('the number of processes is not limited: a fork bomb takes from everyone');
        t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command');
        return;
      }
      const bomb =
        'i=0; while [ $i -lt 5000 ]; do i=$((i+1)); sleep 60 2>/dev/null & done; echo "$i"';
      const result = await sandbox
        .exec(bomb, { timeoutMs: t.limits.check })
        .catch((error: unknown) => error);
      const survived = await sandbox.exec('ls -d /proc/[0-9]* | wc -l').catch(() => undefined);
      t.ok(
        survived === undefined || Number(survived.stdout.text) < 4_500,
        `a bomb of 5000 processes was let through: ${String(result)}`,
      );
      await sandbox.exec('kill -9 -1').catch(() => undefined);
      const after = async (): Promise<boolean> =>
        (await sandbox.exec('echo on').catch(() => undefined))?.stdout.text === 'on\n';
      await t.eventually(t.limits.settle, after, 'the sandbox working again');
    },
    { needs, extraMs: 10_000 },
  ),
  must(
    'isolation/memory-limit',
    'isolation-limits',
    'where memory is limited, a guest that takes more is stopped alone',
    async (t) => {
      const sandbox = await t.create();
      if (t.claims.limits.memory !== 'enforced') {
        t.weaker('memory is not limited: a guest can take all of it');
        t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command');
        return;
      }
      const free = freemem();
      // A variable that doubles: plain sh takes what there is.
      const line =
        'x=0123456789abcdef; i=0; while [ $i -lt 40 ]; do i=$((i+1)); x=$x$x; done; echo all';
      const result = await sandbox
        .exec(line, { timeoutMs: t.limits.check })
        .catch((error: unknown) => error);
      t.ok(
        typeof result !== 'object' || result === null || !('ok' in result) || result.ok !== true,
        'sixteen terabytes were let through',
      );
      t.ok(freemem() > free / 4, 'the host lost most of its memory');
      const after = async (): Promise<boolean> =>
        (await sandbox.exec('echo on').catch(() => undefined))?.stdout.text === 'on\n';
      await t.eventually(t.limits.settle, after, 'the sandbox working again');
    },
    { needs, extraMs: 10_000 },
  ),
  should(
    'isolation/disk-limit',
    'isolation-limits',
    'where the disk is limited, filling it is no-space and nothing else',
    async (t) => {
      const sandbox = await t.create();
      if (t.claims.limits.disk !== 'enforced') {
        t.weaker('the disk is not limited: a guest can fill it');
        t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command');
        return;
      }
      const result = await sandbox.exec(
        'head -c 100000000000 /dev/zero > fill; echo "$?"; rm -f fill',
        { timeoutMs: t.limits.check },
      );
      t.ok(result.stdout.text.trim() !== '0', 'a hundred gigabytes were let through');
      t.equal(
        (await sandbox.exec('echo on > after && cat after')).stdout.text,
        'on\n',
        'a file afterwards',
      );
    },
    { needs, extraMs: 10_000 },
  ),
];
