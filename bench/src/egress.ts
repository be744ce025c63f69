import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startPart } from './egress/part.ts';
import {
  conversations,
  direct,
  directTls,
  proxied,
  straight,
  tunnel,
  tunnelledTls,
} from './egress/requests.ts';
import { report, type Row, toRow } from './measure/report.ts';
import { measureInTurns, type Samples } from './measure/samples.ts';

// What the proxy costs over a direct connection to the same host, in the same run. Client, proxy and hosts are a process each.

const rounds = Number(process.argv[2] ?? 300);
const transfers = 7;
const megabytes = 300;
const connections = 500;
const bulk = megabytes * 1_000_000;

const directory = mkdtempSync(path.join(tmpdir(), 'gantry-bench-'));
const keyFile = path.join(directory, 'key.pem');
const certificateFile = path.join(directory, 'certificate.pem');
execFileSync(
  'openssl',
  [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', keyFile, '-out', certificateFile, '-days', '1', '-subj', '/CN=plain.test'],
    ...['-addext', 'subjectAltName=DNS:plain.test,DNS:secret.test'],
  ],
  { stdio: 'pipe' },
);

/** What the second of two subjects took more than the first, round by round. */
function added(name: string, [first, second]: readonly Samples[], target: number): Row {
  const more = (second?.milliseconds ?? []).map(
    (value, index) => value - (first?.milliseconds[index] ?? Number.NaN),
  );
  return toRow(`${name}, added`, more, 1, { target });
}

const plain = ({ name, milliseconds }: Samples): Row => toRow(name, milliseconds, 1);
const quiet = (): void => undefined;

try {
  using hosts = await startPart('host-main', [keyFile, certificateFile]);
  const [http = 0, https = 0, tcp = 0] = hosts.ports;
  using proxy = await startPart('proxy-main', [certificateFile, ...hosts.ports.map(String)]);
  const [door = 0] = proxy.ports;
  const ca = readFileSync(certificateFile, 'utf8');
  const passed = { name: 'plain.test', port: https, ca };
  const read = { name: 'secret.test', port: https, ca: proxy.authority };
  const small = await measureInTurns(
    [
      { name: 'HTTP, direct', run: () => direct(http, 2) },
      { name: 'HTTP, by the proxy', run: () => proxied(door, http, 2) },
      { name: 'HTTPS, direct', run: () => directTls(https, ca, 2) },
      { name: 'HTTPS, by CONNECT', run: () => tunnelledTls(door, passed, 2) },
      { name: 'HTTPS, read and with a secret', run: () => tunnelledTls(door, read, 2) },
    ],
    rounds,
    quiet,
  );
  const [httpDirect, httpProxied, httpsDirect, httpsTunnelled, httpsRead] = small;
  const large = await measureInTurns(
    [
      { name: `${megabytes} MB of HTTP, direct`, run: () => direct(http, bulk) },
      { name: `${megabytes} MB of HTTP, by the proxy`, run: () => proxied(door, http, bulk) },
      { name: `${megabytes} MB of HTTPS, direct`, run: () => directTls(https, ca, bulk) },
      { name: `${megabytes} MB of HTTPS, by CONNECT`, run: () => tunnelledTls(door, passed, bulk) },
    ],
    transfers,
    quiet,
  );
  const many = await measureInTurns(
    [
      {
        name: `${connections} connections at once, direct`,
        run: () => conversations(connections, () => straight(tcp)),
      },
      {
        name: `${connections} connections at once, by CONNECT`,
        run: () => conversations(connections, () => tunnel(door, `plain.test:${tcp}`)),
      },
    ],
    transfers,
    quiet,
  );
  const pairs = (...of: readonly (Samples | undefined)[]): readonly Samples[] =>
    of.filter((samples) => samples !== undefined);
  const [, largeHttp, , largeTunnel] = large;
  report('egress', 'one millisecond; a new connection for each request', [
    ...small.map(plain),
    added('HTTP', pairs(httpDirect, httpProxied), 0.6),
    added('HTTPS by CONNECT', pairs(httpsDirect, httpsTunnelled), 1.5),
    added('HTTPS read and with a secret', pairs(httpsDirect, httpsRead), 5),
    ...large.filter((samples) => samples !== largeHttp && samples !== largeTunnel).map(plain),
    // 300 MB within a second are 300 MB/s.
    ...pairs(largeHttp, largeTunnel).map(({ name, milliseconds }) =>
      toRow(name, milliseconds, 1, { target: 1000 }),
    ),
    ...many.map(plain),
  ]);
} finally {
  rmSync(directory, { recursive: true });
}
