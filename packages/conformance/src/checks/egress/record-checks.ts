import type { NetworkEvent } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { durable } from '../durable/durable-setting.ts';
import { egressSetting } from './egress-setting.ts';
import type { Guest } from './guest.ts';
import { twoRequests } from './two-requests.ts';

const needs = { capability: 'network', network: 'recorded' } as const;

interface Fact {
  readonly [name: string]: unknown;
}

/** What a sandbox's recorder is given, from its beginning. */
async function recorded(
  t: CheckContext,
  work: (guest: Guest) => Promise<void>,
  enough: (facts: readonly Fact[]) => boolean,
): Promise<readonly Fact[]> {
  const { enter } = await egressSetting(t);
  const guest = await enter(t);
  const facts: Fact[] = [];
  guest.sandbox.recordNetwork(async (events: readonly NetworkEvent[]) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- events are plain JSON; each member is looked at
    facts.push(...(JSON.parse(JSON.stringify(events)) as Fact[]));
    return Promise.resolve();
  });
  await work(guest);
  await t.eventually(t.limits.settle, () => enough(facts), `the record, ${JSON.stringify(facts)}`);
  return facts;
}

export const recordChecks: readonly Check[] = [
  must(
    'network/record-allowed',
    'network-recorded',
    'what is let out is recorded: to which host, by which rule, and what came of it',
    async (t) => {
      const { url, world, arrived } = await egressSetting(t);
      const path = `/${t.word('recorded')}`;
      const facts = await recorded(
        t,
        async (guest) => {
          t.equal((await guest.request(url('http', 'api', `${path}?q=1`))).status, 200, 'status');
        },
        (all) => all.some(({ type }) => type === 'end'),
      );
      const decision = facts.find(({ type }) => type === 'decision');
      t.equal(
        [decision?.['host'], decision?.['port'], decision?.['allowed'], typeof decision?.['rule']],
        [world.name('api'), world.ports.http, true, 'string'],
        'host, port, verdict and rule',
      );
      t.ok(decision?.['rule'] !== '', 'the rule is empty');
      t.equal(arrived(path).length, 1, 'arrivals');
      const times = facts.map(({ at }) => at);
      t.ok(
        times.every((at) => typeof at === 'number' && Math.abs(Date.now() - at) < 600_000),
        `times that are none: ${times.join()}`,
      );
    },
    { needs },
  ),
  must(
    'network/record-denied',
    'network-recorded',
    'what is denied is recorded, too',
    async (t) => {
      const { url, world } = await egressSetting(t);
      const facts = await recorded(
        t,
        async (guest) => {
          await guest.request(url('http', 'unlisted'));
          (await guest.tunnel(`${world.name('unlisted')}:${world.ports.https}`)).stream?.destroy();
          (await guest.socks(world.name('api'), world.ports.second)).stream?.destroy();
        },
        (all) => all.filter(({ type }) => type === 'decision').length >= 3,
      );
      const told = facts.map(({ host, port, allowed }) => [host, port, allowed]);
      t.equal(
        told,
        [
          [world.name('unlisted'), world.ports.http, false],
          [world.name('unlisted'), world.ports.https, false],
          [world.name('api'), world.ports.second, false],
        ],
        'hosts, ports and verdicts',
      );
    },
    { needs },
  ),
  must(
    'network/record-first',
    'network-recorded',
    'a recorder that is told late is given what happened before',
    async (t) => {
      const { enter, url } = await egressSetting(t);
      const guest = await enter(t);
      t.equal((await guest.request(url('http', 'api'))).status, 200, 'status');
      const types: string[] = [];
      let failed = false;
      guest.sandbox.recordNetwork(async (events) => {
        if (!failed) {
          failed = true;
          return Promise.reject(new Error('not now'));
        }
        types.push(...events.map(({ type }) => type));
        return Promise.resolve();
      });
      await guest.request(url('http', 'api'));
      // Refused once, they come again, none twice.
      await t.eventually(t.limits.settle, () => types.length >= 4, 'both requests in the record');
      t.equal(types, ['decision', 'end', 'decision', 'end'], 'events');
    },
    { needs },
  ),
  must(
    'network/record-of-run',
    'network-recorded',
    "a durable run's journal has what its sandbox tried to reach",
    async (t) => {
      const { policy, world } = await egressSetting(t);
      await using setting = await durable(t);
      const manifest = { spec: 'gantry-manifest/1', network: policy } as const;
      const sandbox = { ...setting.sandbox, manifest };
      await setting.harness.run(
        'egress',
        { id: 'egress', sandbox, checkpoint: 'on-demand' },
        (run) =>
          run.step('ask', async () => {
            const names = [world.name('api'), world.name('unlisted')] as const;
            await run.sandbox.exec(twoRequests(...names, world.ports.http, '/run'));
            return 1;
          }),
      );
      const events = (await setting.events('egress')).filter(({ type }) => type === 'egress');
      await setting.made('egress');
      const told = events
        .filter(({ facts }) => facts?.['type'] === 'decision')
        .map(({ facts }) => [facts?.['host'], facts?.['allowed']]);
      t.equal(
        told,
        [
          [world.name('api'), true],
          [world.name('unlisted'), false],
        ],
        'decisions in the journal',
      );
    },
    { needs, extraMs: 10_000 },
  ),
];
