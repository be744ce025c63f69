import type { Sandbox } from '@gantry/core';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Context, Scenario } from './scenario.ts';
import { eventually, shell } from './scenario.ts';

/** A sandbox that has nothing to do with what its neighbor is up to. */
export interface Neighbor {
  /** Runs a command in the neighbor that must answer, as often as a scenario likes: what it takes is measured. */
  answers(): Promise<void>;
}

/**
 * A scenario with a neighbor: another sandbox of the same user, where a process works all the while,
 * and a process of the host under the same user. Both must be well afterwards, and untouched.
 */
export function beside(
  name: string,
  run: (context: Context, neighbor: Neighbor) => Promise<void>,
): Scenario {
  return {
    name,
    async run(context) {
      const host = spawn('sh', ['-c', 'while read -r line; do echo "$line"; done'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const ended = once(host, 'exit');
      try {
        await using sandbox = await context.provider.create();
        await shell(sandbox, 'echo mine | tee /workspace/mine /tmp/mine >/dev/null');
        const worker = await sandbox.spawn(
          'n=0; while :; do n=$((n+1)); echo $n >beat.new; mv beat.new beat; sleep 0.05; done',
        );
        await eventually(() => sandbox.files.exists('beat'), 'the neighbor works');
        let answered = 0;
        const answers = async (): Promise<void> => {
          answered += 1;
          assert.equal(await shell(sandbox, `echo answer ${answered}`), `answer ${answered}\n`);
        };
        await run(context, { answers });
        await answers();
        await isUntouched(sandbox);
        await worker.kill('SIGKILL');
        assert.deepEqual(await worker.exit, { signal: 'SIGKILL' }, 'its process ran until now');
        host.stdin.write('well\n');
        const [said] = (await once(host.stdout, 'data')) as [Buffer];
        assert.equal(said.toString(), 'well\n');
        assert.deepEqual([host.exitCode, host.signalCode], [null, null]);
      } finally {
        host.kill('SIGKILL');
        await ended;
      }
    },
  };
}

async function isUntouched(sandbox: Sandbox): Promise<void> {
  const beat = (): Promise<number> => shell(sandbox, 'cat beat').then(Number);
  const before = await beat();
  await eventually(async () => (await beat()) > before, 'the neighbor’s process goes on');
  assert.equal(await shell(sandbox, 'cat /workspace/mine /tmp/mine'), 'mine\nmine\n');
  await sandbox.files.write('more', 'x'.repeat(100_000));
  await sandbox.files.remove('more');
}
