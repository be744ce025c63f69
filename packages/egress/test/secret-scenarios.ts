import type { Manifest, Sandbox, SecretRule } from '@gantry/core';
import { createHarness, sqliteJournal } from '@gantry/core/harness';
import { directoryStore } from '@gantry/core/node';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { brokering } from '@gantry/core/node';
import { assertNothing, attempt, attemptOne, guestManifest } from './guest.ts';
import { apiOnly, mostPending, type Scenario } from './network-scenarios.ts';
import type { World } from './upstream.ts';

/** A secret that nothing but the code under test and its resolver knows. */
function canary(): string {
  return `sk-test-${randomBytes(24).toString('hex')}`;
}

/** Everywhere that a file below a directory holds one of these, in any form in which programs print it. */
function filesWith(directory: string, secret: string): string[] {
  const forms = brokering.secretForms(secret, '').map(([form]) => Buffer.from(form));
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => {
      const bytes = readFileSync(file);
      return forms.some((form) => bytes.includes(form));
    });
}

/** Processes of this host, other than this one, that were started with it. */
function processesWith(secret: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => ['cmdline', 'environ'].map((file) => `/proc/${pid}/${file}`))
    .filter((file) => {
      try {
        return readFileSync(file, 'latin1').includes(secret);
      } catch {
        // It has ended, or is another user's.
        return false;
      }
    });
}

/** What a guest finds who looks everywhere. Its own command line does not hold what it looks for. */
async function foundInside(sandbox: Sandbox, secret: string): Promise<string> {
  const search = `IFS= read -r what
env | grep -F -e "$what"
for file in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do tr '\\0' '\\n' 2>/dev/null < "$file" | grep -F -e "$what" | sed "s|^|$file |" | grep -v 'read -r what'; done
for place in /tmp /workspace /run /etc /var /home /root /dev/shm; do grep -rlF --exclude=node --exclude-dir=lib -e "$what" "$place" 2>/dev/null; done; true`;
  const { stdout } = await sandbox.exec(search, { stdin: `${secret}\n` });
  return stdout.text;
}

function brokered(world: World, rule: Partial<SecretRule> = {}): Manifest {
  const hosts = [`api.test:${world.https}`];
  const network = {
    mode: 'allow-list',
    allow: [...apiOnly(world).allow, `other.test:${world.https}`],
  };
  const secrets = { API_KEY: { from: 'vault:key', hosts, ...rule } };
  return guestManifest({ network: network as Manifest['network'] & object, secrets });
}

const bearer = async (sandbox: Sandbox, world: World, host = 'api.test'): Promise<string> => {
  const { stdout } = await sandbox.exec('printf %s "$API_KEY"');
  const headers = { authorization: `Bearer ${stdout.text}` };
  return attemptOne(sandbox, { fetch: `https://${host}:${world.https}/echo`, headers });
};

export const secretScenarios: readonly Scenario[] = [
  {
    name: 'a brokered request arrives with the real key, which is nowhere in the sandbox, and nowhere on the host',
    async run({ provider, world, scratch }) {
      const secret = canary();
      const options = { manifest: brokered(world), secrets: () => secret };
      await using sandbox = await provider.create(options);
      const { stdout } = await sandbox.exec('printf %s "$API_KEY"');
      const placeholder = stdout.text;
      assert.equal(placeholder.length, secret.length);
      assert.match(placeholder, /^sk-test-[0-9a-zA-Z]+$/);
      assert.notEqual(placeholder, secret);
      const echoed = await bearer(sandbox, world);
      assert.match(echoed, /^ok 200/);
      assert.equal(world.arrived.at(-1)?.headers['authorization'], `Bearer ${secret}`);
      // Nor does a host that tells what it was sent.
      assert.ok(!echoed.includes(secret) && echoed.includes(placeholder), echoed);
      assert.equal(await foundInside(sandbox, secret), '');
      // What looks for it would find it.
      assert.match(await foundInside(sandbox, placeholder), /API_KEY=/);
      const store = directoryStore(path.join(scratch, 'snapshots'));
      const taken = await sandbox.snapshot(store, { secrets: [secret] });
      assert.ok(taken.id.length > 0);
      assert.ok(!JSON.stringify([sandbox.ref, sandbox.receipt, sandbox.origin]).includes(secret));
      const failed = await provider
        .create({ manifest: brokered(world, { hosts: ['no host'] }), secrets: () => secret })
        .catch((error: unknown) => error);
      assert.ok(failed instanceof Error && !JSON.stringify(failed).includes(secret));
      assert.deepEqual(filesWith(scratch, secret), []);
      assert.deepEqual(processesWith(secret), []);
    },
  },
  {
    name: 'a placeholder stays one at another host, without TLS, and in another sandbox',
    async run({ provider, world }) {
      const secrets = [canary(), canary()] as const;
      const [first, second] = secrets;
      await using one = await provider.create({ manifest: brokered(world), secrets: () => first });
      await using two = await provider.create({ manifest: brokered(world), secrets: () => second });
      const read = async (sandbox: Sandbox): Promise<string> =>
        (await sandbox.exec('printf %s "$API_KEY"')).stdout.text;
      const placeholder = await read(one);
      const sent = async (sandbox: Sandbox, url: string): Promise<unknown> => {
        const before = world.arrived.length;
        const headers = { 'x-key': placeholder };
        await attemptOne(sandbox, { fetch: `${url}/echo?key=${placeholder}`, headers });
        return world.arrived.slice(before).map(({ headers: all, url: to }) => [all['x-key'], to]);
      };
      const kept = [[placeholder, `/echo?key=${placeholder}`]];
      assert.deepEqual(await sent(one, `http://api.test:${world.http}`), kept);
      assert.deepEqual(await sent(two, `https://api.test:${world.https}`), kept);
      // The host of the secret gets it in its place, and only there.
      const swapped = [[first, `/echo?key=${first}`]];
      assert.deepEqual(await sent(one, `https://api.test:${world.https}`), swapped);
      assert.ok(!world.arrived.some(({ headers }) => JSON.stringify(headers).includes(second)));
    },
  },
  {
    name: 'a secret is set in a header whatever the sandbox sends, anew for each request; it is in the sandbox only where that is acknowledged',
    async run({ provider, world }) {
      let secret = canary();
      const manifest = brokered(world, { header: 'x-api-key' });
      await using sandbox = await provider.create({ manifest, secrets: () => secret });
      const fetched = {
        fetch: `https://api.test:${world.https}/echo`,
        headers: { 'x-api-key': 'own' },
      };
      await attemptOne(sandbox, fetched);
      assert.equal(world.arrived.at(-1)?.headers['x-api-key'], secret);
      secret = canary();
      await attemptOne(sandbox, fetched);
      assert.equal(world.arrived.at(-1)?.headers['x-api-key'], secret);
      const exposed = { KEY: { from: 'vault:key', expose: 'acknowledged' } } as const;
      await using holding = await provider.create({
        manifest: { spec: 'gantry-manifest/1', secrets: exposed },
        secrets: () => secret,
      });
      assert.equal((await holding.exec('printf %s "$KEY"')).stdout.text, secret);
      const missing = provider.create({ manifest, secrets: () => undefined });
      await assert.rejects(missing, { code: 'failed-precondition' });
      const open = { ...manifest, network: { mode: 'open' } } as const;
      await assert.rejects(provider.create({ manifest: open, secrets: () => secret }), {
        code: 'unsupported',
      });
    },
  },
  {
    name: 'a run’s journal has every decision, and no secret; without a journal nothing gets out',
    async run({ provider, world, scratch }) {
      const [first, second] = [canary(), canary()] as const;
      let secret = first;
      const directory = path.join(scratch, 'journal');
      const journal = sqliteJournal(directory);
      const harness = createHarness({ journal, providers: { one: provider } });
      try {
        const manifest = brokered(world, { header: 'x-key' });
        const sandbox = { manifest, secrets: () => secret };
        const outcome = await harness.run('fetch', { sandbox, checkpoint: 'on-demand' }, (run) =>
          run.step('fetch', async () => {
            const tried = [
              { fetch: `https://api.test:${world.https}/a?q=1`, headers: { authorization: 'x' } },
              { fetch: `https://unlisted.test/secret-path` },
            ];
            const { stdout } = await run.sandbox.exec(['/workspace/node', '/workspace/try.mjs'], {
              stdin: JSON.stringify(tried),
            });
            // A secret that is rotated while the run goes on is known to it as soon as it is used.
            secret = second;
            const again = { fetch: `https://api.test:${world.https}/b`, headers: {} };
            await run.sandbox.exec(['/workspace/node', '/workspace/try.mjs'], {
              stdin: JSON.stringify([again]),
            });
            return [stdout.text, `${first} ${second}`];
          }),
        );
        assert.ok(outcome.status === 'finished');
        assert.equal(outcome.value[1], '[redacted:vault:key] [redacted:vault:key]');
        const events = await Array.fromAsync(harness.events(outcome.run));
        const egress = events.filter(({ type }) => type === 'egress');
        const facts = egress.map(({ facts: each = {} }) =>
          JSON.stringify([each['type'], each['host'], each['allowed']]),
        );
        assert.equal(facts[0], '["decision","api.test",true]');
        assert.ok(facts.includes('["decision","unlisted.test",false]'), facts.join());
        assert.ok(facts.some((each) => each.startsWith('["end"')));
        const asked = egress.find(({ body }) => body);
        const body = asked && (await harness.body(outcome.run, asked.sequence));
        assert.deepEqual(body, { method: 'GET', path: '/a' });
        for (const value of [first, second]) assert.ok(!JSON.stringify(events).includes(value));
        assert.equal((await harness.verify(outcome.run)).verdict, 'unanchored');
        assert.deepEqual(filesWith(directory, secret), []);
      } finally {
        await journal.close();
      }
      await using sandbox = await provider.create({
        manifest: brokered(world),
        secrets: () => secret,
      });
      sandbox.recordNetwork(() => Promise.reject(new Error('the disk is full')));
      // As many as may wait for the record, and then no more.
      const get = { get: `http://api.test:${world.http}/unrecorded` } as const;
      const many = Array.from({ length: mostPending }, () => get);
      await attempt(sandbox, many);
      const before = world.arrived.length;
      assert.ok(world.arrived.filter(({ url }) => url === '/unrecorded').length < mostPending);
      await assertNothing(sandbox, [get, { fetch: `https://api.test:${world.https}/` }]);
      assert.equal(world.arrived.length, before);
    },
  },
];
