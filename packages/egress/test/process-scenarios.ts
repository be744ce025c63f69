import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { elsewhere, plainProvider } from './elsewhere.ts';
import { type Attempt, attemptOne, guestManifest } from './guest.ts';
import { apiOnly, type Scenario } from './network-scenarios.ts';

const patienceMs = 60_000;

async function eventually(condition: () => Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await condition())) assert.ok(performance.now() < end, `not within a minute: ${what}`);
}

export const processScenarios: readonly Scenario[] = [
  {
    name: 'another process serves the sandbox too, by the policy of whoever set it last',
    async run({ provider, world, scratch, plan }) {
      const key = path.join(scratch, 'key');
      const secret = `key-${randomBytes(16).toString('hex')}`;
      writeFileSync(key, secret, { mode: 0o600 });
      const network = apiOnly(world);
      const rule = { from: `file:${key}`, hosts: [`api.test:${world.https}`], header: 'x-key' };
      const manifest = guestManifest({ network, secrets: { KEY: rule } });
      await using sandbox = await provider.create({ manifest });
      const ask: Attempt = { fetch: `https://api.test:${world.https}/echo` };
      const task = { plan, ref: sandbox.ref, attempts: [ask] };
      assert.match((await elsewhere(task)).outcomes?.[0] ?? '', /^ok 200/);
      assert.equal(world.arrived.at(-1)?.headers['x-key'], secret);
      // Its own proxy has gone with it; this process's has not.
      assert.match(await attemptOne(sandbox, ask), /^ok 200/);
      await elsewhere({ plan, ref: sandbox.ref, policy: { mode: 'none' } });
      await eventually(
        async () => !(await attemptOne(sandbox, ask)).startsWith('ok'),
        'what another process has forbidden is forbidden here',
      );
      assert.doesNotMatch((await elsewhere(task)).outcomes?.[0] ?? '', /^ok/);
      await sandbox.setNetwork(network);
      assert.match(await attemptOne(sandbox, ask), /^ok 200/);
      // Whoever keeps records of it is told each value that is looked up, from the connect on.
      const told = new Set<string>();
      const again = await provider.connect(sandbox.ref, {
        onSecret: (reference, value) => told.add(`${reference} ${value}`),
      });
      assert.deepEqual([...told], [`file:${key} ${secret}`]);
      writeFileSync(key, 'another-value-of-the-key');
      assert.match(await attemptOne(again, ask), /^ok 200/);
      assert.ok(told.has(`file:${key} another-value-of-the-key`));
      await again.release();
    },
  },
  {
    name: 'a sandbox whose process is gone reaches nothing, until one connects to it again',
    async run({ provider, world, plan }) {
      const create = guestManifest({ network: apiOnly(world) });
      const { ref } = await elsewhere({ plan, create });
      assert.ok(ref);
      const plain = await plainProvider(plan).connect(ref);
      const outcome = await attemptOne(plain, { tcp: ['127.0.0.1', 3128] });
      assert.equal(outcome, 'failed ECONNREFUSED');
      await plain.release();
      const again = await provider.connect(ref);
      const ask: Attempt = { fetch: `http://api.test:${world.http}/` };
      assert.match(await attemptOne(again, ask), /^ok 200/);
      const [clone] = again.capabilities.fork ? await again.fork(1) : [];
      if (clone) {
        assert.ok(
          clone.status === 'fulfilled',
          String(clone.status === 'rejected' && clone.reason),
        );
        assert.match(await attemptOne(clone.value, ask), /^ok 200/);
        await clone.value.destroy();
      }
      await again.suspend('memory');
      const woken = await provider.resume(ref);
      assert.match(await attemptOne(woken, ask), /^ok 200/);
      await woken.destroy();
      await assert.rejects(provider.connect(ref), { code: 'not-found' });
    },
  },
];
