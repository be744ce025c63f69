import type { NetworkPolicy, Provider } from '@gantry/core';
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import type { ProviderPlan } from './elsewhere.ts';
import { assertNothing, type Attempt, attempt, attemptOne, guestManifest } from './guest.ts';
import type { World } from './upstream.ts';

/** What a scenario is given: a provider behind `withEgress`, and a world that it leads to. */
export interface Context {
  readonly provider: Provider;
  readonly world: World;
  /** A directory for anything else. */
  readonly scratch: string;
  /** How another process makes the same provider. */
  readonly plan: ProviderPlan;
}

/** One statement that holds of every provider behind `withEgress`. */
export interface Scenario {
  readonly name: string;
  readonly run: (context: Context) => Promise<void>;
}

/** How many events may wait to be recorded in these scenarios. */
export const mostPending = 64;

/** The policy of most scenarios: one host, by name, at its two ports. */
export function apiOnly({ http, https }: World): NetworkPolicy & { readonly mode: 'allow-list' } {
  const ports = [http, https];
  const allow = ports.flatMap((port) => [`api.test:${port}`, `127.0.0.2/32:${port}`]);
  return { mode: 'allow-list', allow: [...allow, `rebound.test:${http}`] };
}

const hostAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).filter(({ internal }) => !internal).map(({ address }) => address),
  );

/** Forms of the host's loopback, of metadata services and of this machine that some parser takes for an address. */
const oddHosts: readonly string[] = [
  ...['127.0.0.1', 'localhost', 'LOCALHOST.', '127.1', '127.0.1', '0x7f000001', '0x7f.0.0.1'],
  ...['2130706433', '017700000001', '0177.0.0.1', '127.0.0.1.', '0.0.0.0', '0', '[::1]', '[::]'],
  ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:ffff:127.0.0.1]', '[::127.0.0.1]'],
  ...['[64:ff9b::127.0.0.1]', '169.254.169.254', '2852039166', '[::ffff:169.254.169.254]'],
  ...['100.100.100.200', '[fd00:ec2::254]', 'metadata.google.internal', 'api.test@127.0.0.1'],
  ...['127.0.0.1%2523@api.test', '127。0。0。1', '１２７.0.0.1', 'rebound.test', 'unlisted.test'],
];

export const networkScenarios: readonly Scenario[] = [
  {
    name: 'what is allowed arrives, by name, over HTTP, HTTPS and SOCKS, live',
    async run({ provider, world }) {
      const network = apiOnly(world);
      await using sandbox = await provider.create({ manifest: guestManifest({ network }) });
      const http: Attempt = { fetch: `http://api.test:${world.http}/a` };
      const tried: readonly Attempt[] = [
        http,
        { connect: `api.test:${world.https}` },
        { socks: ['api.test', world.http] },
        { get: `http://127.0.0.2:${world.http}/b` },
      ];
      const outcomes = [...(await attempt(sandbox, tried))];
      assert.deepEqual(
        outcomes.filter(([, outcome]) => !outcome.startsWith('ok')),
        [],
      );
      await sandbox.setNetwork({ mode: 'none' });
      await assertNothing(sandbox, tried);
      await sandbox.setNetwork(network);
      assert.match(await attemptOne(sandbox, http), /^ok 200 answered/);
      await assert.rejects(sandbox.setNetwork({ mode: 'open' }), { code: 'unsupported' });
      // One that began without any network gets it, too.
      await using late = await provider.create({ manifest: guestManifest() });
      await assertNothing(late, [{ tcp: ['127.0.0.1', 3128] }, http]);
      await late.setNetwork(network);
      assert.match(await attemptOne(late, http), /^ok 200 answered/);
    },
  },
  {
    name: 'nothing leaves a sandbox past the proxy: not to the host, a neighbour, a metadata service or the world',
    async run({ provider, world }) {
      const manifest = guestManifest({ network: apiOnly(world) });
      await using sandbox = await provider.create({ manifest });
      await using neighbour = await provider.create();
      const serve =
        'use Socket; socket(my $s, PF_INET, SOCK_STREAM, 0); bind($s, sockaddr_in(8080, INADDR_ANY)) or die; listen($s, 9); $| = 1; print "up\\n"; sleep 600';
      await using served = await neighbour.spawn(['perl', '-e', serve]);
      await served.stdout.getReader().read();
      const addresses = ['127.0.0.1', '127.0.0.2', '::1', '::ffff:127.0.0.1', ...hostAddresses()];
      const outside = ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '1.1.1.1'];
      const ports = [world.own, world.http, world.https];
      await assertNothing(sandbox, [
        ...addresses.flatMap((host) => ports.map((port): Attempt => ({ tcp: [host, port] }))),
        ...[...addresses, ...outside].map((host): Attempt => ({ tcp: [host, 8080] })),
        ...outside.map((host): Attempt => ({ tcp: [host, 80] })),
        ...['icmp', 'raw', 'packet'].map((raw) => ({ raw }) as Attempt),
        { resolve: 'api.test' },
        { resolve: 'c2VjcmV0LWRhdGE.tunnel.test' },
        // A datagram is sent or it is not; whether it got anywhere is looked at below.
        ...[...addresses, '8.8.8.8'].map((host): Attempt => ({ udp: [host, world.own] })),
      ]);
      // A program that does not heed its environment gets nowhere.
      const unset = { HTTP_PROXY: '', http_proxy: '', NODE_USE_ENV_PROXY: '0' };
      await assertNothing(sandbox, [{ fetch: `http://api.test:${world.http}/` }], unset);
      assert.deepEqual(world.reached, []);
      assert.deepEqual(world.arrived, []);
    },
  },
  {
    name: 'the proxy leads to no address in whatever form, no other port, no name that is not listed, and looks none up',
    async run({ provider, world }) {
      const manifest = guestManifest({ network: apiOnly(world) });
      await using sandbox = await provider.create({ manifest });
      const bare = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');
      const tried = oddHosts.flatMap((host): Attempt[] => [
        ...[world.own, world.http].map((port): Attempt => ({ get: `http://${host}:${port}/` })),
        { get: `http://${host}:${world.own}/`, host: `api.test:${world.http}` },
        { connect: `${host}:${world.own}` },
        { socks: [bare(host), world.own] },
      ]);
      await assertNothing(sandbox, [
        ...tried,
        ...[22, 25, 80, 443, world.own].map((port): Attempt => ({ connect: `api.test:${port}` })),
        { get: `http://api.test:${world.http}/`, host: `other.test:${world.http}` },
        { connect: `c2VjcmV0LWRhdGE.tunnel.test:${world.http}` },
        { get: `http://c2VjcmV0LWRhdGE.tunnel.test:${world.http}/` },
        { socks: ['c2VjcmV0LWRhdGE.tunnel.test', world.http] },
        // Followed by the client, to where it may not go.
        { fetch: `http://api.test:${world.http}/redirect` },
      ]);
      assert.deepEqual(world.reached, []);
      assert.deepEqual(
        world.arrived.map(({ url }) => url),
        ['/redirect'],
      );
      // A name that is not listed is not even asked for: that would tell it to whoever answers.
      const listed = new Set(['api.test', 'rebound.test']);
      assert.deepEqual(
        world.asked.filter((name) => !listed.has(name)),
        [],
      );
    },
  },
];
