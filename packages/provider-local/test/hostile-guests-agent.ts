import type { Sandbox } from '@gantry/core';
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { beside } from './beside.ts';
import { type Scenario, shell } from './scenario.ts';

/** A guest that lies about its commands may lose some of them, and no more than that. */
async function recovers(sandbox: Sandbox): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      assert.equal(await shell(sandbox, 'echo fine'), 'fine\n');
      return;
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'unavailable', String(error));
      assert.ok(attempt < 10, 'the sandbox never answers again');
    }
  }
}

const forgeries = ['x 0\\nx 0\\nx 0\\nx 0\\n', 'p 1\\n', 'ready\\n', 'd\\n', 'x 999\\n', '\\0\\n'];

/** Opens each FIFO of the agent for both ways, in a process that never ends. */
const holdAll = `perl -e 'for (glob "/run/gantry/*") { -p and open(my $one, "+<", $_) and push @held, $one }
print scalar(@held), "\\n"; close STDOUT; sleep 100000' & :`;

/** Overwrites all memory of the agent that is writable, code included where the kernel lets it. */
const overwrite = `open(my $memory, "+<", "/proc/1/mem") or exit 9; open(my $maps, "<", "/proc/1/maps") or exit 8;
for (<$maps>) { /^([0-9a-f]+)-([0-9a-f]+) r/ or next; my ($from, $to) = (hex $1, hex $2);
  sysseek($memory, $from, 0) or next; syswrite($memory, "\\xcc" x 4096); }
kill "CHLD", 1; exit 0;`;

/** Guests that attack the agent, and through it the host: none of it reaches further than their own sandbox. */
export const agentAttacks: readonly Scenario[] = [
  beside(
    'survives a guest that kills all it can, and tells the fate of the command as unknown',
    async ({ provider }, neighbor) => {
      await using sandbox = await provider.create();
      await Promise.all([1, 2, 3, 4, 5, 6].map(() => shell(sandbox, 'sleep 0.1')));
      await assert.rejects(sandbox.exec('kill -9 -1; sleep 1'), {
        code: 'unavailable',
        outcome: 'unknown',
      });
      await neighbor.answers();
      assert.equal(await shell(sandbox, 'echo still here'), 'still here\n');
      await Promise.allSettled([sandbox.exec('kill -STOP 1'), sandbox.exec('kill -KILL 1')]);
      assert.equal(await shell(sandbox, 'echo still here'), 'still here\n');
    },
  ),
  beside(
    'takes forged answers, floods and stolen triggers for a broken lane and goes on',
    async ({ provider }, neighbor) => {
      await using sandbox = await provider.create();
      const forge = (text: string): string =>
        `for lane in /run/gantry/*.s; do (timeout 1 sh -c 'printf "%b" "$2" >"$1"' - "$lane" '${text}') & done; wait`;
      for (const text of forgeries) {
        await Promise.allSettled([sandbox.exec(forge(text))]);
        await recovers(sandbox);
      }
      await Promise.allSettled([
        sandbox.exec('timeout 1 sh -c "yes >/run/gantry/ctl"', { timeoutMs: 3_000 }),
        sandbox.exec(
          'for f in /run/gantry/*.s; do timeout 1 sh -c "head -c 1000000 /dev/zero >$f" & done; wait',
        ),
        neighbor.answers(),
      ]);
      await recovers(sandbox);
    },
  ),
  beside(
    'runs commands although the guest holds every FIFO open for ever, and forgets none of their ends',
    async ({ provider }, neighbor) => {
      await using sandbox = await provider.create();
      const [held] = await Promise.allSettled([sandbox.exec(holdAll)]);
      assert.ok(held.status === 'rejected' || Number(held.value.stdout.text) > 5, 'it holds them');
      await recovers(sandbox);
      for (let round = 0; round < 20; round += 1) {
        const result = await sandbox.exec(`echo ${round}; exit ${round}`, { stdin: 'unread' });
        assert.deepEqual([result.stdout.text, result.exit], [`${round}\n`, { code: round }]);
      }
      await neighbor.answers();
    },
  ),
  beside(
    'lets a guest break its own agent through /proc/1/mem, and nothing else: the end is told, nothing is left',
    async (context, neighbor) => {
      const sandbox = await context.provider.create();
      try {
        const running = sandbox.exec(['sleep', '1000']);
        running.catch(() => undefined);
        const wrecked = await sandbox.exec(['perl', '-e', overwrite]).then(
          ({ exit }) => exit,
          (error: { code?: string }) => error.code,
        );
        // Where the kernel keeps it closed the agent lives; else it dies of it, and all that is its own.
        if (typeof wrecked === 'string') assert.equal(wrecked, 'unavailable');
        await neighbor.answers();
        const after = await sandbox.exec('echo fine', { timeoutMs: 60_000 }).then(
          ({ stdout }) => stdout.text,
          (error: { code?: string }) => error.code,
        );
        assert.ok(['fine\n', 'unavailable', 'not-found'].includes(after ?? ''), String(after));
      } finally {
        await sandbox.destroy();
      }
      const left = readdirSync(path.join(context.stateDirectory, 'sandboxes'));
      assert.equal(left.length, 1, 'the neighbor alone is there');
    },
  ),
  beside(
    'is flooded on both outputs, by lines without an end, NULs and escapes, in bounded memory and disk',
    async ({ provider, stateDirectory }, neighbor) => {
      await using sandbox = await provider.create();
      const bytes = 100_000_000;
      const before = process.memoryUsage().rss;
      const flood = `head -c ${bytes} /dev/zero & yes "$(printf '\\033]0;owned\\007\\377')" | head -c ${bytes} >&2; wait`;
      const [result] = await Promise.all([
        sandbox.exec(flood, { maxOutputBytes: 65_536 }),
        neighbor.answers(),
      ]);
      for (const { bytes: kept, totalBytes, truncated } of [result.stdout, result.stderr]) {
        assert.deepEqual([totalBytes, truncated], [bytes, true]);
        assert.ok(kept.byteLength <= 65_536);
      }
      const grown = process.memoryUsage().rss - before;
      assert.ok(grown < 150 << 20, `this process grew by ${grown} bytes`);

      const job = await sandbox.spawn(`head -c ${bytes} /dev/zero; echo end >&2`, {
        detached: true,
      });
      assert.deepEqual(await job.exit, { code: 0 });
      const directory = path.join(
        stateDirectory,
        'sandboxes',
        sandbox.ref.id,
        'detached',
        job.id ?? '',
      );
      const kept = readdirSync(directory).map((name) => statSync(path.join(directory, name)).size);
      const size = kept.reduce((sum, one) => sum + one, 0);
      assert.ok(size < 8 << 20, `${size} bytes are kept on the host`);
    },
  ),
];
