import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processesOf } from './processes-of.ts';
import { assertNothingLeft, type Context, eventually } from './scenario.ts';

const program = path.join(import.meta.dirname, 'create-until-killed.ts');

/**
 * Kills processes that make sandboxes, each at another moment, and looks for anything that they left once
 * a sweep has passed. What was finished by then is still there and is destroyed as anybody may.
 */
export async function killHosts(context: Context, times: number, warm: number): Promise<void> {
  const { provider, stateDirectory } = context;
  let found = 0;
  const rounds = Array.from({ length: times }, (_, index) => index);
  const worker = async (): Promise<void> => {
    for (let round = rounds.shift(); round !== undefined; round = rounds.shift()) {
      const child = spawn(process.execPath, [program, stateDirectory, String(warm)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const closed = new Promise((resolve) => child.once('close', resolve));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      // Every other one as soon as it has a process; the rest over the whole of the first create and
      // well into the second.
      if (round % 2 === 0) {
        await eventually(() => processesOf(stateDirectory).length > 0, 'a sandbox is begun');
      } else await delay((round * 53) % 400);
      if (processesOf(stateDirectory).length > 0) found += 1;
      child.kill('SIGKILL');
      await closed;
    }
  };
  await Promise.all([worker(), worker()]);
  assert.ok(found > 0, 'some were killed while they had processes: else this shows nothing');
  await eventually(async () => {
    for await (const { ref } of provider.list()) await provider.destroy(ref);
    return processesOf(stateDirectory).length === 0;
  }, 'no process is left');
  await Array.fromAsync(provider.list());
  assertNothingLeft(context);
}
