import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { directoryWith, gantry, sandboxesLabelled, shows } from './gantry.ts';

const job = (label: string): string => `
export const options = { sandbox: { labels: { 'cli-test': '${label}' } } };
export default (run) => run.step('create', async () => {
  process.stderr.write('creating\\n');
  await run.sandbox.exec('sleep 600');
});
`;

const rounds = 4;
const killsOfARound = 25;

// Seeded: kills at moments from before the create to well after it.
test.each(Array.from({ length: rounds }, (_, round) => round))(
  'a client that is killed while it makes a sandbox leaves nothing that reap does not find: round %i',
  async (round) => {
    const label = randomUUID();
    const cwd = await directoryWith({ 'job.mjs': job(label) });
    const env = {
      XDG_STATE_HOME: path.join(cwd, 'state'),
      XDG_CONFIG_HOME: path.join(cwd, 'config'),
    };
    for (let kill = 0; kill < killsOfARound; kill++) {
      const { signal } = await gantry(['run', 'job.mjs'], {
        cwd,
        env,
        async during(running) {
          await shows(running, 'creating');
          await delay(((round * killsOfARound + kill) * 37) % 400);
          running.kill('SIGKILL');
        },
      });
      expect(signal).toBe('SIGKILL');
    }
    await expect
      .poll(
        async () => {
          const { code, stderr } = await gantry(['reap'], { cwd, env });
          expect(code, stderr).toBe(0);
          return sandboxesLabelled(label);
        },
        // What a killed client had begun may take a moment to be seen.
        { timeout: 120_000, interval: 1000 },
      )
      .toEqual([]);
  },
);
