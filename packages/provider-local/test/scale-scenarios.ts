import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { local } from '../src/index.ts';
import { killHosts } from './kill-host.ts';
import { processesOf, spawnersOf } from './processes-of.ts';
import {
  assertNothingLeft,
  eventually,
  pidNamespace,
  recordOf,
  type Scenario,
  shell,
} from './scenario.ts';

/** What holds of the processes that start sandboxes, and of sandboxes that are started ahead. */
export const scaleScenarios: readonly Scenario[] = [
  {
    name: 'goes on when its spawner is killed, also in the middle of a create',
    async run(context) {
      const { provider, stateDirectory } = context;
      const killSpawners = (): number[] => {
        const spawners = spawnersOf(stateDirectory, process.pid);
        for (const pid of spawners) process.kill(pid, 'SIGKILL');
        return spawners;
      };
      const first = await provider.create();
      const killed = killSpawners();
      assert.ok(killed.length > 0, 'there are spawners');
      assert.equal(await shell(first, 'echo still here'), 'still here\n');
      // There may be others by then: what is made ahead needs one too.
      await eventually(() => {
        const left = spawnersOf(stateDirectory, process.pid);
        return !killed.some((pid) => left.includes(pid));
      }, 'they are gone');
      const second = await provider.create();
      assert.equal(await shell(second, 'echo again'), 'again\n');
      const creating = provider.create().then(
        (sandbox) => sandbox.destroy(),
        (error: unknown) => assert.equal((error as { code?: string }).code, 'unavailable'),
      );
      killSpawners();
      await creating;
      await first.destroy();
      await second.destroy();
      await eventually(() => processesOf(stateDirectory).length === 0, 'no process is left');
      assertNothingLeft(context);
    },
  },
  {
    name: 'leaves nothing when the process that creates is killed, at whatever moment',
    run: (context) => killHosts(context, 8, 0),
  },
  {
    name: 'adopts a warm sandbox, whose lifetime, environment and labels are those of the request',
    async run(context) {
      const { stateDirectory } = context;
      const provider = local({ stateDirectory, warm: 2 });
      const running = (): number => readdirSync(path.join(stateDirectory, 'sandboxes')).length;
      await eventually(() => {
        try {
          return running() === 2;
        } catch {
          return false;
        }
      }, 'two are warm');
      assert.deepEqual(await Array.fromAsync(provider.list()), [], 'nobody has asked for them');
      const before = readdirSync(path.join(stateDirectory, 'sandboxes'));
      // Older than the lifetime that is asked for: it counts from the adoption.
      await new Promise((resolve) => setTimeout(resolve, 8_100));
      const sandbox = await provider.create({
        maxLifetimeMs: 8_000,
        labels: { job: 'warm' },
        manifest: { spec: 'gantry-manifest/1', env: { GREETING: 'hello' } },
      });
      assert.ok(before.includes(sandbox.ref.id), 'it is one of the two');
      assert.equal(await shell(sandbox, 'echo $GREETING; ls -A'), 'hello\n');
      const [listed] = await Array.fromAsync(provider.list({ labels: { job: 'warm' } }));
      assert.equal(listed?.ref.id, sandbox.ref.id);
      const { main } = recordOf(context, sandbox);
      assert.ok(pidNamespace(main.pid));
      await eventually(() => pidNamespace(main.pid) === undefined, 'it ends with its lifetime');
      assert.deepEqual(await provider.inspect(sandbox.ref), { state: 'gone' });
      const other = await provider.create();
      const { keeper, main: second } = recordOf(context, other);
      process.kill(keeper.pid, 'SIGKILL');
      await eventually(() => pidNamespace(second.pid) === undefined, 'it ends with its keeper');
      await sandbox.destroy();
      await other.destroy();
    },
  },
  {
    name: 'leaves nothing of warm sandboxes when their process is killed',
    run: (context) => killHosts(context, 8, 3),
  },
];
