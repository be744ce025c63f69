import { must, type Check } from '../../check.ts';
import { egressSetting, refused } from './egress-setting.ts';
import { Guest } from './guest.ts';
import {
  brokered,
  canary,
  inHeader,
  needsPlaceholder,
  secretSetting,
  withSecret,
} from './secret-setting.ts';

const needs = { capability: 'secrets' } as const;

export const injectChecks: readonly Check[] = [
  must(
    'secrets/placeholder',
    'secret-injected',
    "a placeholder becomes the secret in the headers and the query of a request to the secret's host",
    async (t) => {
      const { egress, guest, values, placeholder } = await secretSetting(t);
      const word = t.word('placeholder');
      const mine = placeholder('API_KEY');
      const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
      const { status } = await guest.request(
        egress.url('https', 'api', `/${word}?key=${mine}&b=2`),
        {
          headers: {
            'x-key': mine,
            authorization: basic(`user:${mine}`),
            'x-other': `a ${mine} b`,
          },
        },
      );
      t.equal(status, 200, 'status');
      const [arrival] = egress.arrived(word);
      t.equal(arrival?.url, `/${word}?key=${values.API_KEY}&b=2`, 'the query');
      t.equal(arrival?.headers['x-key'], values.API_KEY, 'a header');
      t.equal(arrival?.headers['x-other'], `a ${values.API_KEY} b`, 'a header with more in it');
      t.equal(arrival?.headers.authorization, basic(`user:${values.API_KEY}`), 'in Basic');
    },
    { needs: needsPlaceholder },
  ),
  must(
    'secrets/header',
    'secret-injected',
    'a secret is set in its header, whatever the sandbox has sent there, and in that of no other host',
    async (t) => {
      const { egress, guest, values } = await secretSetting(t);
      const word = t.word('header');
      const url = egress.url('https', 'header', `/${word}`);
      await guest.request(url);
      await guest.request(url, { headers: { 'X-Api-Key': 'own', authorization: 'Basic own' } });
      t.equal(
        egress.arrived(word).map(({ headers }) => [headers['x-api-key'], headers.authorization]),
        [1, 2].map(() => [values.HEADER_KEY, `Bearer ${values.BEARER_KEY}`]),
        'headers that arrived',
      );
      await guest.request(egress.url('https', 'other', `/${word}-elsewhere`));
      const elsewhere = egress.arrived(`${word}-elsewhere`);
      const [own, ...more] = elsewhere.map(({ headers }) => headers['x-api-key']);
      t.equal([own, more], [undefined, []], 'the header that arrived at another host');
      t.equal(elsewhere.length, 1, 'arrivals at another host');
    },
    { needs: { ...needs, secrets: 'header' } },
  ),
  must(
    'secrets/query',
    'secret-injected',
    'a secret is set in its parameter of the query, whatever the sandbox has sent there',
    async (t) => {
      const { egress, guest, values } = await secretSetting(t);
      const word = t.word('query');
      await guest.request(egress.url('https', 'query', `/${word}?key=own&a=1`));
      const [arrival] = egress.arrived(word);
      const query = new URLSearchParams(arrival?.url.split('?')[1]);
      t.equal([query.getAll('key'), query.get('a')], [[values.QUERY_KEY], '1'], 'the query');
    },
    { needs: { ...needs, secrets: 'query' } },
  ),
  must(
    'secrets/trusted',
    'secret-trust',
    "programs in the sandbox believe the answers of a secret's host, by the variables that they know, and another sandbox's not",
    async (t) => {
      const { guest } = await secretSetting(t);
      const variables = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', 'CURL_CA_BUNDLE'];
      const files = variables.map((name) => guest.env.get(name) ?? '');
      const line = 'for f; do [ -s "$f" ] && echo there; done; true';
      const there = await guest.sandbox.exec(['/bin/sh', '-c', line, 'look', ...files]);
      t.equal(there.stdout.text, 'there\n'.repeat(variables.length), 'files of authorities');
      t.ok(guest.authorities.length > 0, 'the sandbox has no authority');
      const other = await withSecret(t, canary);
      t.ok(
        other.guest.authorities.every((each) => !guest.authorities.includes(each)),
        'two sandboxes have the same authority',
      );
      const { url } = await egressSetting(t);
      const parts = { authorities: guest.authorities };
      const { status, body } = await guest.request(url('https', 'api'), parts);
      t.equal(status, 200, `by its own authorities alone: ${body}`);
    },
    { needs: needsPlaceholder },
  ),
  must(
    'secrets/masked',
    'secret-masked',
    'a host that repeats what it was sent shows the sandbox no secret',
    async (t) => {
      const { egress, guest, values, placeholder } = await secretSetting(t);
      const mine = placeholder('API_KEY');
      const { status, body } = await guest.request(
        egress.url('https', 'api', `/echo?key=${mine}`),
        {
          headers: { 'x-key': mine, 'accept-encoding': 'gzip, br' },
        },
      );
      t.equal(status, 200, 'status');
      t.ok(!body.includes(values.API_KEY), 'the answer has the secret in it');
      t.ok(body.includes(mine), 'the answer has not even the placeholder');
    },
    { needs: needsPlaceholder },
  ),
  must(
    'secrets/masked-pieces',
    'secret-masked',
    'nor one that repeats it in pieces',
    async (t) => {
      const { egress, guest, values, placeholder } = await secretSetting(t);
      const headers = { 'x-key': placeholder('API_KEY') };
      const { status, body } = await guest.request(egress.url('https', 'api', '/split'), {
        headers,
      });
      t.equal(status, 200, 'status');
      t.ok(!body.includes(values.API_KEY), 'the answer has the secret in it');
      t.ok(body.includes('x-key'), `the answer is not what was sent: ${body.slice(0, 200)}`);
    },
    { needs: needsPlaceholder },
  ),
  must(
    'secrets/rotated',
    'secret-live',
    'a secret that is changed is sent from the next request on',
    async (t) => {
      let value = canary();
      const first = value;
      const { egress, guest, placeholder } = await withSecret(t, () => value);
      const word = t.word('rotated');
      const ask = (): Promise<unknown> =>
        guest.request(egress.url('https', 'api', `/${word}`), {
          headers: { 'x-key': placeholder },
        });
      await ask();
      value = canary();
      await ask();
      t.equal(
        egress.arrived(word).map(({ headers }) => headers['x-key']),
        [first, value],
        'what arrived',
      );
    },
    { needs: needsPlaceholder },
  ),
  must(
    'secrets/withdrawn',
    'secret-live',
    'a request whose secret is no longer to be had is not sent',
    async (t) => {
      let value: string | undefined = canary();
      const { egress, guest, placeholder } = await withSecret(t, () => value);
      const word = t.word('withdrawn');
      value = undefined;
      const headers = { 'x-key': placeholder };
      refused(t, await guest.request(egress.url('https', 'api', `/${word}`), { headers }), 'it');
      t.equal(egress.arrived(word), [], 'what arrived');
    },
    { needs: needsPlaceholder },
  ),
  must(
    'secrets/missing',
    'secret-live',
    'no sandbox is made for a secret that is not there',
    async (t) => {
      const egress = await egressSetting(t);
      const { provider, counts } = t.counted();
      const own = brokered(egress, { API_KEY: inHeader(t) });
      const manifest = { spec: 'gantry-manifest/1', ...own } as const;
      const error = await t.rejects(
        ['failed-precondition', 'not-found'],
        () => t.create({ manifest, secrets: () => undefined }, provider),
        'a create without it',
      );
      t.match(error.message, /API_KEY/, 'the error, which names it');
      const left = t.state.capabilities.inventory
        ? await Array.fromAsync(t.provider.list({ labels: { check: 'secrets.missing' } }))
        : [];
      t.equal(left, [], `sandboxes that are left (${counts.total()} calls)`);
    },
    { needs },
  ),
  must(
    'secrets/open-refused',
    'secret-bound',
    'secrets and an open network do not go together where they could pass the broker by',
    async (t) => {
      const egress = await egressSetting(t);
      const { secrets } = brokered(egress, { API_KEY: inHeader(t) });
      const manifest = {
        spec: 'gantry-manifest/1',
        network: { mode: 'open' },
        ...(secrets ? { secrets } : {}),
      } as const;
      const create = (): Promise<unknown> => t.create({ manifest, secrets: () => canary() });
      await t.rejects('unsupported', create, 'a create with both');
    },
    { needs },
  ),
  must(
    'secrets/after-connect',
    'secret-live',
    'whoever connects to the sandbox again has its secrets sent as before',
    async (t) => {
      const value = canary();
      const name = t.word('GANTRY_SECRET').replaceAll('-', '_');
      process.env[name] = value;
      try {
        const { egress, guest } = await withSecret(t, () => undefined, {
          ...{ from: `env:${name}`, header: 'x-key' },
        });
        const { ref } = guest.sandbox;
        await guest.sandbox.release();
        const again = await t.provider.connect(ref);
        const other = await Guest.in(t, again);
        const word = t.word('again');
        await other.request(egress.url('https', 'api', `/${word}`));
        t.equal(
          egress.arrived(word).map(({ headers }) => headers['x-key']),
          [value],
          'what arrived',
        );
        await again.release();
      } finally {
        delete process.env[name];
      }
    },
    { needs: { ...needs, secrets: 'header' } },
  ),
];
