import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { must, type Check } from '../../check.ts';
import { probe } from './probe.ts';

const needs = { isolation: true } as const;

/** A server on every address of this host that counts who comes. */
async function withServer(
  work: (port: number, count: () => number) => Promise<void>,
): Promise<void> {
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections++;
    socket.on('error', () => undefined).end('reached');
  });
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(0, '0.0.0.0', resolve),
  );
  try {
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
    await work(address.port, () => connections);
  } finally {
    server.close();
  }
}

/** Tries to connect with whatever program the sandbox has; a shell alone has none, and then the kernel's tables tell. */
const dial = `
dial() {
  if has bash; then bash -c 'exec 3<>"/dev/tcp/$0/$1" && head -c 7 <&3' "$1" "$2" 2>/dev/null & d=$!
  elif has nc; then nc -w 1 "$1" "$2" </dev/null 2>/dev/null & d=$!
  elif has wget; then wget -q -T 1 -O - "http://$1:$2/" 2>/dev/null & d=$!
  elif has perl; then perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(PeerAddr=>"$ARGV[0]:$ARGV[1]",Timeout=>1) or exit 1; print <$s>' "$1" "$2" 2>/dev/null & d=$!
  else return 1; fi
  ( sleep 1.5; kill -9 $d 2>/dev/null ) >/dev/null 2>&1 & k=$!
  wait $d 2>/dev/null; r=$?; kill $k 2>/dev/null; return $r
}
`;

export const networkIsolationChecks: readonly Check[] = [
  must(
    'isolation/network-interfaces',
    'isolation-network',
    'without network there is no interface but loopback, and no route',
    async (t) => {
      const { sandbox } = await t.shared();
      const script =
        'say interfaces "$(tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " " | tr "\\n" " ")"; say routes "$(tail -n +2 /proc/net/route | wc -l)"; say six "$(grep -cv " lo$" /proc/net/if_inet6 2>/dev/null)"';
      const found = await probe(t, sandbox, script);
      const interfaces = (found.get('interfaces') ?? '?')
        .trim()
        .split(' ')
        .filter(
          (name) =>
            name !== '' &&
            name !== 'lo' &&
            !/^(?:sit0|tunl0|ip6tnl0|gre0|gretap0|erspan0|ip_vti0|ip6_vti0|ip6gre0)$/.test(name),
        );
      t.equal(interfaces, [], 'interfaces beside loopback');
      t.equal(Number(found.get('routes')), 0, 'routes');
      t.equal(Number(found.get('six') || 0), 0, 'IPv6 addresses beside loopback');
    },
    { needs },
  ),
  must(
    'isolation/network-host',
    'isolation-network',
    'no server of the host is in reach, on loopback or another address',
    async (t) => {
      const sandbox = await t.create();
      const addresses = Object.values(networkInterfaces())
        .flatMap((list) => list ?? [])
        .filter(({ family }) => family === 'IPv4')
        .map(({ address }) => address);
      await withServer(async (port, count) => {
        const hex = port.toString(16).toUpperCase().padStart(4, '0');
        const script = `${dial}
say listed "$(grep -c ":$2 00000000:0000 0A" /proc/net/tcp 2>/dev/null)"
p=$1; shift 2; for a; do [ "$(dial "$a" "$p")" = reached ] && say "reached:$a" yes; done; say done yes`;
        const found = await probe(t, sandbox, script, [
          String(port),
          hex,
          '127.0.0.1',
          ...addresses.slice(0, 3),
        ]);
        t.equal(
          Number(found.get('listed') || 0),
          0,
          "listeners of the host in the sandbox's table",
        );
        t.equal(
          [...found.keys()].filter((name) => name.startsWith('reached:')),
          [],
          'addresses that were reached',
        );
        t.equal(count(), 0, 'connections that the server of the host has seen');
      });
    },
    { needs },
  ),
  must(
    'isolation/network-metadata',
    'isolation-network',
    'no metadata address and no name server is in reach',
    async (t) => {
      const sandbox = await t.create();
      const script = `${dial}
for a in 169.254.169.254 100.100.100.200 192.0.0.192; do if dial "$a" 80 >/dev/null; then say "reached:$a" yes; fi; done
for w in "00000000" "FEA9FEA9"; do grep -qi "\t$w\t" /proc/net/route 2>/dev/null && say "route:$w" yes; done
say hops "$(tail -n +2 /proc/net/route | wc -l)"`;
      const found = await probe(t, sandbox, script);
      t.equal(
        [...found.keys()].filter((name) => name !== 'hops'),
        [],
        'what was reached, and routes to it',
      );
      t.equal(Number(found.get('hops')), 0, 'routes');
    },
    { needs, extraMs: 5_000 },
  ),
  must(
    'isolation/network-neighbours',
    'isolation-network',
    'a sandbox has a network of its own: the loopback of another is not its own',
    async (t) => {
      const [one, two] = await Promise.all([t.create(), t.create()]);
      const of = async (sandbox: typeof one): Promise<string> =>
        (await sandbox.exec(['readlink', '/proc/self/ns/net'])).stdout.text.trim();
      const [first, second] = await Promise.all([of(one), of(two)]);
      t.match(first, /^net:\[\d+\]$/, 'network namespace of the first');
      t.ok(first !== second, `both sandboxes are in network namespace ${first}`);
    },
    { needs },
  ),
];
