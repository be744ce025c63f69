import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { refused } from './egress-setting.ts';
import { hear } from './guest-connection.ts';
import {
  canary,
  needsPlaceholder,
  type SecretSetting,
  secretSetting,
  withSecret,
} from './secret-setting.ts';
import type { Arrival } from './world.ts';

const needs = { capability: 'secrets' } as const;

/** Fails where a secret of the setting arrived. */
function none(t: CheckContext, { values }: SecretSetting, arrivals: readonly Arrival[]): void {
  const text = JSON.stringify(arrivals);
  const found = Object.entries(values).filter(([, value]) => text.includes(value));
  t.equal(
    found.map(([name]) => name),
    [],
    'secrets that arrived where they do not belong',
  );
}

export const boundChecks: readonly Check[] = [
  must(
    'secrets/plaintext',
    'secret-bound',
    'a secret is never sent without TLS, not to its own host either',
    async (t) => {
      const setting = await secretSetting(t);
      const { egress, guest, placeholder } = setting;
      const word = t.word('plain');
      const mine = placeholder('API_KEY');
      const headers = { 'x-key': mine };
      await guest.request(egress.url('http', 'api', `/${word}?key=${mine}`), { headers });
      none(t, setting, egress.arrived(word));
      t.equal(
        egress.arrived(word).map((arrival) => arrival.headers['x-key']),
        [mine],
        'the placeholder, which arrives as it is',
      );
    },
    { needs: needsPlaceholder },
  ),
  must(
    'secrets/other-host',
    'secret-bound',
    'another host is sent the placeholder as it is',
    async (t) => {
      const setting = await secretSetting(t);
      const { egress, guest, placeholder } = setting;
      const word = t.word('other');
      const mine = placeholder('API_KEY');
      const url = egress.url('https', 'other', `/${word}?key=${mine}`);
      t.equal((await guest.request(url, { headers: { 'x-key': mine } })).status, 200, 'status');
      none(t, setting, egress.arrived(word));
      t.equal(egress.arrived(word)[0]?.headers['x-key'], mine, 'what arrived');
    },
    { needs: needsPlaceholder },
  ),
  must(
    'secrets/by-address',
    'secret-bound',
    "the address of a secret's host is another host",
    async (t) => {
      const setting = await secretSetting(t);
      const { egress, guest, placeholder } = setting;
      const word = t.word('address');
      const { address, ports } = egress.world;
      const headers = { 'x-key': placeholder('API_KEY') };
      const serverName = egress.world.name('other');
      await guest.request(`https://${address}:${ports.https}/${word}`, { headers, serverName });
      const host = `${egress.world.name('api')}:${ports.https}`;
      const parts = { headers: { ...headers, host }, serverName };
      await guest.request(`https://${address}:${ports.https}/${word}-2`, parts);
      none(t, setting, egress.arrived(word));
    },
    { needs: needsPlaceholder },
  ),
  must(
    'secrets/other-host-inside',
    'secret-bound',
    "neither a Host header nor a server name makes another host the secret's",
    async (t) => {
      const setting = await secretSetting(t);
      const { egress, guest, placeholder } = setting;
      const word = t.word('inside');
      const { https } = egress.world.ports;
      const [api, other] = [egress.world.name('api'), egress.world.name('other')];
      const key = { 'x-key': placeholder('API_KEY') };
      const tries = [
        // To the other host, in the name of the secret's.
        { to: other, headers: { ...key, host: `${api}:${https}` } },
        { to: other, headers: key, serverName: api },
        // To the secret's host, for the other one.
        { to: api, headers: { ...key, host: `${other}:${https}` } },
        { to: api, headers: key, serverName: other },
      ];
      const answers = await Promise.all(
        tries.map(({ to, ...parts }, index) =>
          guest.request(`https://${to}:${https}/${word}-${index}`, parts),
        ),
      );
      none(t, setting, egress.arrived(word));
      for (const answer of answers.slice(1)) refused(t, answer, 'a request for two hosts');
    },
    { needs: needsPlaceholder },
  ),
  must(
    'secrets/neighbour',
    'secret-bound',
    "another sandbox's placeholder is nothing but text",
    async (t) => {
      const setting = await secretSetting(t);
      const { egress, guest, placeholder } = setting;
      const neighbour = await withSecret(t, canary);
      const word = t.word('neighbour');
      t.ok(neighbour.placeholder !== placeholder('API_KEY'), 'both have the same placeholder');
      t.ok(neighbour.placeholder !== '', 'the neighbour has none');
      const ask = (from: typeof guest, key: string): Promise<unknown> =>
        from.request(egress.url('https', 'api', `/${word}`), { headers: { 'x-key': key } });
      await ask(neighbour.guest, placeholder('API_KEY'));
      await ask(guest, neighbour.placeholder);
      t.equal(
        egress.arrived(word).map(({ headers }) => headers['x-key']),
        [placeholder('API_KEY'), neighbour.placeholder],
        'what arrived',
      );
    },
    { needs: needsPlaceholder },
  ),
  must(
    'secrets/redirect',
    'secret-bound',
    'a redirect takes no secret to another host',
    async (t) => {
      const setting = await secretSetting(t);
      const { egress, guest, placeholder } = setting;
      const word = t.word('redirect');
      const headers = { 'x-key': placeholder('API_KEY') };
      const there = egress.url('https', 'other', `/${word}`);
      const to = egress.url('https', 'api', `/to?${encodeURIComponent(there)}`);
      const first = await guest.request(to, { headers });
      t.equal(first.status, 302, 'status');
      await guest.request(first.headers.location ?? '', { headers });
      const there2 = egress.arrived(word).filter(({ url }) => url === `/${word}`);
      t.equal(
        there2.map((arrival) => arrival.headers['x-key']),
        [placeholder('API_KEY')],
        'what arrived where it leads',
      );
    },
    { needs: needsPlaceholder },
  ),
  must(
    'secrets/certified',
    'secret-bound',
    'a host that cannot show who it is gets no secret',
    async (t) => {
      const value = canary();
      const { egress, guest, placeholder } = await withSecret(t, () => value, await forged(t));
      const word = t.word('forged');
      const headers = { 'x-key': placeholder };
      refused(t, await guest.request(egress.url('https', 'forged', `/${word}`), { headers }), 'it');
      t.equal(egress.arrived(word), [], 'what arrived');
    },
    { needs },
  ),
  must(
    'secrets/unlisted',
    'secret-bound',
    "a secret's host is out of reach unless the policy lists it",
    async (t) => {
      const value = canary();
      const { egress, guest, placeholder } = await withSecret(t, () => value, await unlisted(t));
      const word = t.word('unlisted');
      const headers = { 'x-key': placeholder };
      refused(
        t,
        await guest.request(egress.url('https', 'unlisted', `/${word}`), { headers }),
        'it',
      );
      t.equal(egress.arrived(word), [], 'what arrived');
    },
    { needs },
  ),
  must(
    'secrets/opaque',
    'secret-bound',
    "what cannot be read does not get to a secret's host",
    async (t) => {
      const setting = await secretSetting(t);
      const { egress, guest, placeholder } = setting;
      const word = t.word('opaque');
      const { https } = egress.world.ports;
      const name = egress.world.name('api');
      const { stream } = await guest.tunnel(`${name}:${https}`);
      stream?.write(
        `GET /${word} HTTP/1.1\r\nHost: ${name}:${https}\r\nX-Key: ${placeholder('API_KEY')}\r\nConnection: close\r\n\r\n`,
      );
      if (stream) await hear(stream, t.limits.prompt);
      none(t, setting, egress.arrived(word));
    },
    { needs: needsPlaceholder },
  ),
];

const forged = async (t: CheckContext): Promise<{ hosts: readonly string[] }> => ({
  hosts: [(await secretSetting(t)).egress.entry('forged', 'https')],
});

const unlisted = async (t: CheckContext): Promise<{ hosts: readonly string[] }> => ({
  hosts: [(await secretSetting(t)).egress.entry('unlisted', 'https')],
});
