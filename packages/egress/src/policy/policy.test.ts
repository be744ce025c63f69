import { expect, test } from 'vitest';
import { CompiledPolicy } from './compiled-policy.ts';
import { readAuthority, readHost } from './host-name.ts';
import { readAddress } from './ip-address.ts';

const host = (text: string): NonNullable<ReturnType<typeof readHost>> => {
  const read = readHost(text);
  if (read === undefined) throw new Error(`${text} is no host`);
  return read;
};

const listed = new CompiledPolicy({
  mode: 'allow-list',
  allow: [
    'Example.COM',
    '*.deep.example',
    'odd.test:8443',
    'localhost:9000',
    '93.184.0.0/16',
    '10.1.0.0/16:5432',
    '[2606:2800::]:443',
    '0.0.0.0/0:53',
  ],
});

test.each([
  ['example.com', 443, 'Example.COM'],
  ['EXAMPLE.com.', 80, 'Example.COM'],
  ['example.com', 8080, undefined],
  ['www.example.com', 443, undefined],
  ['a.b.deep.example', 443, '*.deep.example'],
  ['deep.example', 443, undefined],
  ['odd.test', 8443, 'odd.test:8443'],
  ['odd.test', 443, undefined],
  ['93.184.216.34', 25, '93.184.0.0/16'],
  ['[2606:2800::]', 443, '[2606:2800::]:443'],
  ['2606:2800:0:0::0', 443, '[2606:2800::]:443'],
  ['10.1.2.3', 5432, '10.1.0.0/16:5432'],
  ['::ffff:10.1.2.3', 5432, '10.1.0.0/16:5432'],
  ['10.1.2.3', 443, undefined],
  ['8.8.8.8', 53, '0.0.0.0/0:53'],
])('%s port %i is allowed by %s', (name, port, rule) => {
  const verdict = listed.host(host(name), port);
  expect(verdict.allowed ? verdict.rule : undefined).toBe(rule);
});

const special = [
  '127.0.0.1',
  '127.8.8.8',
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '100.100.100.200',
  '169.254.169.254',
  '172.31.255.255',
  '192.168.1.1',
  '168.63.129.16',
  '224.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '::ffff:a9fe:a9fe',
  '::127.0.0.1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '2001:0:7f00:1::',
  'fe80::1',
  'fd00:ec2::254',
  'ff02::1',
  '::ffff:0:127.0.0.1',
  '4000::1',
];

test.each(special)('%s is reached only where a block names it', (text) => {
  const address = readAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  const name = host('example.com');
  expect(new CompiledPolicy({ mode: 'open' }).address(name, address, 443)).toBe(false);
  expect(new CompiledPolicy({ mode: 'open' }).host(host(text), 443).allowed).toBe(false);
  // All addresses are not these addresses.
  const all = new CompiledPolicy({
    mode: 'allow-list',
    allow: ['example.com', '0.0.0.0/0', '::/0'],
  });
  expect(all.address(name, address, 443)).toBe(false);
  const named = new CompiledPolicy({ mode: 'allow-list', allow: ['example.com', address.text] });
  expect(named.address(name, address, 443)).toBe(true);
});

test('localhost is the loopback where it is named, and no other name is', () => {
  const loopback = { text: '127.0.0.1', family: 'ipv4' } as const;
  expect(listed.address(host('localhost'), loopback, 9000)).toBe(true);
  expect(listed.address(host('localhost'), loopback, 9001)).toBe(false);
  expect(listed.address(host('example.com'), loopback, 9000)).toBe(false);
  expect(listed.address(host('localhost'), { text: '10.0.0.1', family: 'ipv4' }, 9000)).toBe(false);
  expect(new CompiledPolicy({ mode: 'open' }).address(host('localhost'), loopback, 80)).toBe(false);
});

test.each([
  '2130706433',
  '0x7f.0.0.1',
  '0x7f000001',
  '0177.0.0.1',
  '127.1',
  '127.0.0.1.',
  '１27.0.0.1',
  '[127.0.0.1]',
  'fe80::1%lo',
  'a..b',
  '-a.test',
  'a b',
  'a\u0000.test',
  'ex\u00e4mple.com',
  '',
  '.',
  `${'a'.repeat(64)}.test`,
])('%j is read as no host', (text) => {
  expect(readHost(text)).toBeUndefined();
});

test.each([
  ['a.test:65536'],
  ['a.test:0'],
  ['a.test:080'],
  ['a.test:+80'],
  ['a.test:80:80'],
  ['user@a.test:80'],
  ['[::1:80'],
])('%j is read as no authority', (text) => {
  expect(readAuthority(text, 80)).toBeUndefined();
});

const requests = new CompiledPolicy({
  mode: 'allow-list',
  allow: ['api.test'],
  requests: [
    { host: 'api.test', methods: ['GET'], paths: ['/v1/**', '/files/*', '/@*', '/a b/é'] },
    { host: 'api.test', methods: ['POST'], paths: ['/v1/**/run'] },
  ],
});

test.each([
  ['GET', '/v1/', true],
  ['GET', '/v1/a/b', true],
  ['GET', '/v1', false],
  ['GET', '/v10/a', false],
  ['GET', '//v1/a', false],
  ['GET', '/files/a', true],
  ['GET', '/files/a/b', false],
  ['GET', '/files/a%2fb', false],
  ['GET', '/files/caf%C3%A9', true],
  ['GET', '/a%20b/%C3%A9', true],
  ['GET', '/V1/a', false],
  ['POST', '/v1/run', true],
  ['POST', '/v1/a/b/run', true],
  ['POST', '/v1/a/b/runs', false],
  ['POST', '/v1/a', false],
  ['get', '/v1/a', false],
])('%s %s on a host that takes some requests only: %s', (method, path, allowed) => {
  expect(requests.request(host('api.test'), 443, method, path).allowed).toBe(allowed);
});

test.each([
  [{ mode: 'allow-list', allow: ['http://a.test'] }, 'http://a.test'],
  [{ mode: 'allow-list', allow: ['*'] }, '*'],
  [{ mode: 'allow-list', allow: [], requests: [{ host: 'a.test', methods: ['TRACE'] }] }, 'TRACE'],
  [{ mode: 'allow-list', allow: [], requests: [{ host: 'a.test', methods: [] }] }, 'nothing'],
  [{ mode: 'allow-list', allow: [], requests: [{ host: 'a.test', paths: ['v1'] }] }, 'v1'],
  [
    { mode: 'allow-list', allow: [], requests: [{ host: 'a.test', paths: ['/a/../b'] }] },
    '/a/../b',
  ],
  [{ mode: 'allow-list', allow: [], requests: [{ host: 'a.test', paths: ['/a**'] }] }, '/a**'],
] as const)('the policy %j is refused, and the error names %s', (policy, said) => {
  expect(() => new CompiledPolicy(policy)).toThrow(
    expect.objectContaining({
      code: 'invalid-argument',
      message: expect.stringContaining(said) as unknown,
    }),
  );
});
