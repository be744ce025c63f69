import { networkInterfaces } from 'node:os';
import { must, type Check } from '../../check.ts';
import { probe } from '../isolation/probe.ts';
import { egressSetting, refused } from './egress-setting.ts';
import { connectInside, hear } from './guest-connection.ts';

const needs = { capability: 'network', network: 'allow-list' } as const;

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
    .slice(0, 2);

/** Sends one datagram by whatever the image has. */
const datagram = `
send() {
  if has bash; then timeout 2 bash -c 'echo out > "/dev/udp/$0/$1"' "$1" "$2" 2>/dev/null
  elif has perl; then perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(PeerAddr=>"$ARGV[0]:$ARGV[1]",Proto=>"udp") and print $s "out"' "$1" "$2" 2>/dev/null
  elif has nc; then echo out | timeout 2 nc -u -w 1 "$1" "$2" >/dev/null 2>&1
  fi
}
`;

export const denyChecks: readonly Check[] = [
  must(
    'network/denied-host',
    'network-denied',
    'a host that is not listed is out of reach, by every way that leads to others',
    async (t) => {
      const { guest, url, world, arrived } = await egressSetting(t);
      const path = `/${t.word('denied')}`;
      refused(t, await guest.request(url('http', 'unlisted', path)), 'HTTP');
      refused(t, await guest.request(url('https', 'unlisted', path)), 'TLS');
      const { stream } = await guest.socks(world.name('unlisted'), world.ports.http);
      stream?.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      t.equal(stream ? await hear(stream, t.limits.command) : '', '', 'the answer over SOCKS');
      t.equal(arrived(path), [], 'what arrived');
    },
    { needs },
  ),
  must(
    'network/denied-port',
    'network-denied',
    'a listed host is out of reach at its other ports',
    async (t) => {
      const { guest, world, arrived } = await egressSetting(t);
      const path = `/${t.word('port')}`;
      const name = world.name('api');
      const { second } = world.ports;
      refused(t, await guest.request(`http://${name}:${second}${path}`), 'HTTP');
      for (const port of [second, 22, 25]) {
        const { stream } = await guest.tunnel(`${name}:${port}`);
        stream?.write(`GET ${path} HTTP/1.1\r\nHost: ${name}:${port}\r\nConnection: close\r\n\r\n`);
        t.equal(stream ? await hear(stream, t.limits.command) : '', '', `port ${port}`);
      }
      t.equal(arrived(path), [], 'what arrived');
    },
    { needs },
  ),
  must(
    'network/denied-direct',
    'network-denied',
    'a program that does not heed its environment reaches nothing that is not listed',
    async (t) => {
      const { guest, world } = await egressSetting(t);
      const before = world.reached.length;
      const tries = ['127.0.0.1', '::1', '::ffff:127.0.0.1', ...ownAddresses()].map(
        (host): [string, number] => [host, world.ownPort],
      );
      tries.push([world.hidden, world.ports.http], [world.name('unlisted'), world.ports.http]);
      const heard = tries.map(async ([host, port]) => {
        const connection = await connectInside(guest.sandbox, host, port);
        connection.write('GET / HTTP/1.0\r\n\r\n');
        return `${host} ${await hear(connection, t.limits.prompt)}`.trim();
      });
      t.equal(
        (await Promise.all(heard)).filter((text) => text.includes(' ')),
        [],
        'answers',
      );
      t.equal(world.reached.slice(before), [], 'what came to services of the host');
    },
    { needs },
  ),
  must(
    'network/denied-udp',
    'network-denied',
    'no datagram leaves the sandbox but to where it may go',
    async (t) => {
      const { guest, world } = await egressSetting(t);
      const script = `${datagram}
p=$1; shift; for a; do send "$a" "$p"; done; say done yes`;
      const addresses = ['127.0.0.1', world.hidden, ...ownAddresses()];
      await probe(t, guest.sandbox, script, [String(world.ownPort), ...addresses]);
      await new Promise((resolve) => setTimeout(resolve, t.limits.quiet));
      t.equal(
        world.reached.filter((what) => what === 'udp'),
        [],
        'datagrams that arrived',
      );
    },
    { needs },
  ),
  must(
    'network/denied-raw',
    'network-denied',
    'no packet of another kind leaves the sandbox: no ICMP, nothing from a raw socket',
    async (t) => {
      const { guest } = await egressSetting(t);
      const script = `
for a; do
  if has ping; then timeout 3 ping -c 1 -W 1 "$a" >/dev/null 2>&1 && say "pinged:$a" yes; fi
  if has perl; then for k in '2, 2, 1' '2, 3, 1' '2, 3, 255' '17, 3, 768'; do
    perl -e 'socket(my $s, '"$k"') or exit 1; send($s, pack("C2 n3", 8, 0, 0xf7ff, 0, 0), 0, pack("S n a4 x8", 2, 0, pack("C4", split(/[.]/, $ARGV[0])))) or exit 1' "$a" 2>/dev/null && say "sent:$k" yes
  done; fi
done; say tried "$#"`;
      const found = await probe(t, guest.sandbox, script, ['198.51.100.1', ...ownAddresses()]);
      t.equal(
        [...found.keys()].filter((name) => name !== 'tried'),
        [],
        'what was sent',
      );
    },
    { needs, extraMs: 5_000 },
  ),
  must(
    'network/denied-metadata',
    'network-private',
    'metadata services are denied in every form, and no connection to them is tried',
    async (t) => {
      const { guest } = await egressSetting(t);
      const hosts = ['169.254.169.254', '100.100.100.200', '[fd00:ec2::254]', '[::ffff:a9fe:a9fe]'];
      const others = ['2852039166', '0xa9fea9fe', '169.254.43518', 'metadata.google.internal'];
      const answers = [...hosts, ...others].map(async (host) => {
        const started = performance.now();
        const { status } = await guest.request(`http://${host}/latest/meta-data/`);
        return { host, status, ms: performance.now() - started };
      });
      for (const { host, status } of await Promise.all(answers)) {
        // 502 to 504 would mean that the proxy has tried.
        const denied = guest.proxy ? status >= 400 && status < 500 : status === 0;
        t.ok(denied, `${host} was answered with ${status}`);
      }
    },
    { needs },
  ),
];
