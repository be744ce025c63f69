import { type Sandbox, SandboxError } from '@gantry/core';
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  assertNothingLeft,
  type Context,
  describe,
  eventually,
  isRoot,
  recordOf,
  type Scenario,
  shell,
} from './scenario.ts';

const mebibyte = 1 << 20;

/** The directories of a sandbox's control groups. */
function groupsOf(context: Context, sandbox: Sandbox): string[] {
  const file = path.join(context.stateDirectory, 'sandboxes', sandbox.ref.id, 'record.json');
  const record = JSON.parse(readFileSync(file, 'utf8')) as { cgroups: { path: string }[] };
  return record.cgroups.map((cgroup) => cgroup.path);
}

/** An ordinary user has no control groups here: what only they hold is refused, not dropped. */
async function assertRefused({ provider }: Context, resources: object): Promise<void> {
  await assert.rejects(provider.create({ manifest: { spec: 'gantry-manifest/1', resources } }), {
    code: 'unsupported',
    outcome: 'not-started',
  });
}

/** What limits promise. Each holds by a control group or by the kernel's own count, as the user has it. */
export const limitScenarios: readonly Scenario[] = [
  {
    name: 'runs commands again after a fork bomb that nobody killed has burnt out',
    async run({ provider }) {
      const manifest = { spec: 'gantry-manifest/1', resources: { pids: 40 } } as const;
      await using sandbox = await provider.create({ manifest });
      await sandbox.spawn('for i in $(seq 200); do sleep 2 & done 2>/dev/null');
      // Whatever these say while there is no process left to be had.
      await Promise.allSettled(Array.from({ length: 20 }, () => sandbox.exec('true')));
      await eventually(
        () =>
          sandbox.exec('echo here').then(
            ({ ok }) => ok,
            () => false,
          ),
        'a command runs again',
      );
    },
  },
  {
    name: 'a guest that has used up its processes can be told to end them',
    async run({ provider }) {
      const manifest = { spec: 'gantry-manifest/1', resources: { pids: 40 } } as const;
      await using sandbox = await provider.create({ manifest });
      // Every process that is freed is taken at once, again and again.
      const taking = 'while :; do sh -c "while :; do sleep 1000 & done" 2>/dev/null; done';
      await using _taking = await sandbox.spawn(taking);
      await eventually(async () => ((await sandbox.metrics()).pids ?? 0) >= 39, 'all are taken');
      // It ends its own lane too.
      const told = await sandbox.exec('kill -9 -1').catch((error: unknown) => error);
      assert.ok(SandboxError.is(told), 'it ends the command that says so too');
      // The user namespace's own count has no reserve.
      if (!isRoot && told.code === 'resource-exhausted') return;
      assert.equal(told.code, 'unavailable');
      const answers = (): Promise<boolean> =>
        sandbox.exec('echo here').then(
          ({ ok }) => ok,
          () => false,
        );
      await eventually(answers, 'a command runs again');
    },
  },
  {
    name: 'ends a command that takes more memory than there is with an error that says so',
    async run(context) {
      if (!isRoot) return assertRefused(context, { memoryBytes: 64 * mebibyte });
      const manifest = {
        spec: 'gantry-manifest/1',
        resources: { memoryBytes: 64 * mebibyte },
      } as const;
      await using sandbox = await context.provider.create({ manifest });
      assert.equal(sandbox.capabilities.traits.limits.memory, 'enforced');
      const hungry = 'head -c 300000000 /dev/zero | tail | wc -c';
      for (const line of ['exec tail </dev/zero', `sh -c 'tail </dev/zero'`]) {
        await assert.rejects(sandbox.exec(line), (error: unknown) => {
          assert.ok(error instanceof Error && 'code' in error && 'details' in error);
          const { reason } = error.details as { reason?: string };
          assert.deepEqual(
            { code: error.code, reason },
            { code: 'resource-exhausted', reason: 'oom' },
          );
          return true;
        });
      }
      // A part of a command is its own affair, and so is a death by any other hand.
      assert.equal(await shell(sandbox, `${hungry} || true; echo and on`), '0\nand on\n');
      assert.deepEqual((await sandbox.exec('kill -9 $$')).exit, { signal: 'SIGKILL' });
      await shell(sandbox, 'head -c 100000000 /dev/zero >/tmp/full 2>/dev/null || echo full');
      assert.equal(await shell(sandbox, 'rm /tmp/full; echo alive'), 'alive\n');
    },
  },
  {
    name: 'bounds memory when nobody asks',
    async run({ provider }) {
      await using sandbox = await provider.create();
      assert.equal(sandbox.capabilities.traits.limits.memory, isRoot ? 'enforced' : 'none');
      if (isRoot) return;
      const limits = await shell(sandbox, 'cat /proc/self/limits');
      const bytes = Number(/^Max data size +(\d+) +(\d+) /m.exec(limits)?.[2]);
      const huge = await sandbox.exec(`dd if=/dev/zero of=/dev/null count=1 bs=${bytes + 1}`);
      assert.ok(!huge.ok && /exhausted/.test(huge.stderr.text), describe(huge));
    },
  },
  {
    name: 'holds a sandbox to its share of the processors',
    async run(context) {
      if (!isRoot) return assertRefused(context, { cpus: 0.2 });
      const manifest = { spec: 'gantry-manifest/1', resources: { cpus: 0.2 } } as const;
      await using sandbox = await context.provider.create({ manifest });
      assert.equal(sandbox.capabilities.traits.limits.cpu, 'enforced');
      const begin = performance.now();
      await sandbox.exec(
        'timeout 2 sh -c "while :; do :; done" & timeout 2 sh -c "while :; do :; done"; wait',
      );
      const seconds = (performance.now() - begin) / 1_000;
      const { cpuSeconds = Infinity } = await sandbox.metrics();
      assert.ok(cpuSeconds < 0.2 * seconds + 0.3, `${cpuSeconds} s of processor in ${seconds} s`);
    },
  },
  {
    name: 'keeps a workspace within its bytes and files, and the host’s disk out of it',
    async run(context) {
      const { provider, stateDirectory } = context;
      const manifest = {
        spec: 'gantry-manifest/1',
        resources: { diskBytes: 8 * mebibyte },
      } as const;
      await using sandbox = await provider.create({ manifest });
      assert.equal(sandbox.capabilities.traits.limits.disk, 'enforced');
      const filled = await sandbox.exec('head -c 20000000 /dev/zero >big');
      assert.match(filled.stderr.text, /No space left on device/);
      const { diskBytes = 0 } = await sandbox.metrics();
      assert.ok(diskBytes > 7 * mebibyte && diskBytes <= 8 * mebibyte, `${diskBytes} bytes`);
      await assert.rejects(sandbox.files.write('more', 'x'.repeat(100_000)), {
        code: 'resource-exhausted',
      });
      await shell(sandbox, 'rm big && mkdir many');
      await sandbox.exec('cd many && i=0 && while i=$((i+1)) && true >$i; do true; done');
      assert.ok(Number(await shell(sandbox, 'ls many | wc -l')) <= 2_048, 'files are bounded');
      await shell(sandbox, 'rm -r many && echo fine >again');
      const host = path.join(stateDirectory, 'sandboxes', sandbox.ref.id, 'workspace');
      assert.ok(!existsSync(path.join(host, 'again')), 'nothing of it is on the host');
      // What is kept in memory cannot be kept on disk.
      await assert.rejects(sandbox.suspend('disk'), { code: 'unsupported' });
      await using other = await provider.create();
      assert.equal(other.capabilities.traits.limits.disk, 'none');
      const tight = { diskBytes: 64 * mebibyte, memoryBytes: 64 * mebibyte };
      await assertRefused(context, tight);
      await assertRefused(context, { pids: 2 });
    },
  },
  {
    name: 'tells what a sandbox uses',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const before = await sandbox.metrics();
      await using _sleeping = await sandbox.spawn('sleep 1000 & sleep 1000 & wait');
      await shell(
        sandbox,
        'head -c 3000000 /dev/zero >file; timeout 0.5 sh -c "while :; do :; done" || true',
      );
      const after = await sandbox.metrics();
      for (const name of ['cpuSeconds', 'memoryBytes', 'diskBytes', 'pids'] as const) {
        const [first = Infinity, second = 0] = [before[name], after[name]];
        assert.ok(second > first, `${name}: ${first} then ${second}`);
      }
      assert.ok((after.diskBytes ?? 0) - (before.diskBytes ?? 0) >= 3_000_000);
    },
  },
  {
    name: 'leaves no control group, whether a sandbox is destroyed or found dead',
    async run(context) {
      const { provider } = context;
      const destroyed = await provider.create();
      const dead = await provider.create();
      const groups = [...groupsOf(context, destroyed), ...groupsOf(context, dead)];
      assert.equal(groups.length > 0, isRoot);
      assert.ok(groups.every((group) => existsSync(group)));
      await destroyed.destroy();
      await dead.release();
      process.kill(recordOf(context, dead).main.pid, 'SIGKILL');
      await eventually(
        async () => (await provider.inspect(dead.ref)).state === 'gone',
        'it is gone',
      );
      await Array.fromAsync(provider.list());
      assert.deepEqual(
        groups.filter((group) => existsSync(group)),
        [],
      );
      assertNothingLeft(context);
    },
  },
];
