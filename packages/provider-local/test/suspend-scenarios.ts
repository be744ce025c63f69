import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { assertNothingLeft, eventually, type Scenario, shell } from './scenario.ts';

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What a suspended sandbox keeps, and what it cannot do. */
export const suspendScenarios: readonly Scenario[] = [
  {
    name: 'suspends to memory: nothing runs, and all of it goes on where it was',
    async run({ provider, stateDirectory }) {
      await using sandbox = await provider.create();
      const counter = 'i=0; while i=$((i+1)); do echo $i >count; sleep 0.01; done';
      await using _counting = await sandbox.spawn(
        `(setsid sh -c '${counter}' &) ; exec sleep 1000`,
      );
      // One that the guest has stopped itself is not to go on.
      await shell(
        sandbox,
        `sh -c 'kill -STOP $$; echo went on >wrong' >/dev/null 2>&1 & echo $! >stopped`,
      );
      const slow = sandbox.exec('sleep 0.5; echo finished');
      await eventually(() => sandbox.files.exists('count'), 'it counts');
      await eventually(
        async () => / T /.test(await shell(sandbox, 'cat /proc/$(cat stopped)/stat')),
        'it is stopped',
      );
      await sandbox.suspend('memory');
      const { state } = await provider.inspect(sandbox.ref);
      assert.equal(state, 'suspended');
      const listed = await Array.fromAsync(provider.list());
      assert.deepEqual(
        listed.map((one) => one.state),
        ['suspended'],
      );
      await assert.rejects(sandbox.exec('true'), { code: 'failed-precondition' });
      await assert.rejects(provider.connect(sandbox.ref), { code: 'failed-precondition' });
      await assert.rejects(sandbox.suspend('memory'), { code: 'failed-precondition' });
      const host = path.join(stateDirectory, 'sandboxes', sandbox.ref.id, 'workspace', 'count');
      const standing = readFileSync(host, 'utf8');
      await pause(700);
      assert.equal(readFileSync(host, 'utf8'), standing, 'it counted while it was suspended');
      await using resumed = await provider.resume(sandbox.ref);
      assert.deepEqual(resumed.ref, sandbox.ref);
      const count = async (): Promise<number> => Number(await shell(resumed, 'cat count'));
      const first = await count();
      await eventually(async () => (await count()) > first, 'it counts on');
      assert.equal((await slow).stdout.text, 'finished\n');
      assert.equal(await resumed.files.exists('wrong'), false);
      assert.equal((await provider.inspect(sandbox.ref)).state, 'running');
      // To resume what runs is to connect to it.
      await using again = await provider.resume(sandbox.ref);
      assert.equal(await shell(again, 'echo here'), 'here\n');
    },
  },
  {
    name: 'suspends to disk: no process is left, and the workspace and environment are there again',
    async run(context) {
      const { provider } = context;
      const manifest = { spec: 'gantry-manifest/1', env: { KEPT: 'yes' } } as const;
      const sandbox = await provider.create({ manifest });
      await shell(
        sandbox,
        'mkdir -m 700 a && echo kept >a/file && chmod 711 . && sleep 1000 >/dev/null 2>&1 &',
      );
      await sandbox.suspend('disk');
      const { state, expiresAt } = await provider.inspect(sandbox.ref);
      assert.equal(state, 'suspended');
      await assert.rejects(sandbox.exec('true'), { code: 'failed-precondition' });
      await assert.rejects(provider.connect(sandbox.ref), { code: 'failed-precondition' });
      await using other = await provider.create();
      assert.equal(await shell(other, 'echo swept'), 'swept\n');
      const resuming = await Promise.allSettled([
        provider.resume(sandbox.ref),
        provider.resume(sandbox.ref),
      ]);
      const resumed = resuming.find((one) => one.status === 'fulfilled')?.value;
      assert.ok(resumed, 'one of two that resume at once does');
      assert.deepEqual(resumed.ref, sandbox.ref);
      const line =
        'echo "$(cat a/file) $KEPT $(stat -c %a . a | tr "\\n" " ")"; ls -d /proc/[0-9]* | wc -l';
      const [kept, processes] = (await shell(resumed, line)).split('\n');
      assert.equal(kept, 'kept yes 711 700 ');
      assert.ok(Number(processes) < 12, `${processes} processes`);
      assert.equal((await provider.inspect(sandbox.ref)).expiresAt, expiresAt);
      await resumed.suspend('disk');
      await resumed.release();
      await provider.destroy(sandbox.ref);
      assert.equal((await provider.inspect(sandbox.ref)).state, 'gone');
      await assert.rejects(provider.resume(sandbox.ref), { code: 'not-found' });
      await other.destroy();
      assertNothingLeft(context);
    },
  },
  {
    name: 'ends a suspended sandbox at the end of its lifetime',
    async run(context) {
      const { provider } = context;
      const memory = await provider.create({ maxLifetimeMs: 8_000 });
      const disk = await provider.create({ maxLifetimeMs: 8_000 });
      await memory.suspend('memory');
      await disk.suspend('disk');
      for (const { ref } of [memory, disk]) {
        assert.equal((await provider.inspect(ref)).state, 'suspended');
      }
      for (const { ref } of [memory, disk]) {
        await eventually(async () => (await provider.inspect(ref)).state === 'gone', 'it is gone');
        await assert.rejects(provider.resume(ref), { code: 'not-found' });
      }
      await Array.fromAsync(provider.list());
      assertNothingLeft(context);
    },
  },
];
