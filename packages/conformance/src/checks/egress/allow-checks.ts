import { randomBytes } from 'node:crypto';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { egressSetting, refused } from './egress-setting.ts';
import { firstOf, type Guest } from './guest.ts';
import { hear } from './guest-connection.ts';

const needs = { capability: 'network', network: 'allow-list' } as const;

/** One request in the words of HTTP/1.1 over a connection to a host. */
const plain = (host: string, path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

async function answered(t: CheckContext, guest: Guest, url: string): Promise<void> {
  const { status, body } = await guest.request(url);
  t.equal([status, body], [200, 'answered'], `what ${new URL(url).pathname} was answered with`);
}

export const allowChecks: readonly Check[] = [
  must(
    'network/allowed-http',
    'network-allowed',
    'a host that is listed by name answers over HTTP',
    async (t) => {
      const { guest, url, arrived, world } = await egressSetting(t);
      const path = `/${t.word('allowed')}`;
      await answered(t, guest, url('http', 'api', `${path}?a=1`));
      const [arrival] = arrived(path);
      t.equal(arrival?.url, `${path}?a=1`, 'the path, as it arrived');
      t.equal(
        (arrival?.host ?? '').replace(/:\d+$/, ''),
        world.name('api'),
        'the host that it was for',
      );
    },
    { needs },
  ),
  must(
    'network/allowed-tls',
    'network-allowed',
    'TLS to a listed host is with the host itself',
    async (t) => {
      const { guest, world, arrived } = await egressSetting(t);
      const path = `/${t.word('tls')}`;
      const name = world.name('api');
      const { stream, why } = await guest.tunnel(`${name}:${world.ports.https}`);
      t.ok(stream !== undefined, `no tunnel: ${why}`);
      if (!stream) return;
      const secured = guest.secure(stream, name);
      secured.write(plain(`${name}:${world.ports.https}`, path));
      t.match(await hear(secured, t.limits.command), /^HTTP\/1\.1 200 /, 'the answer');
      t.equal(
        arrived(path).map(({ at }) => at),
        ['https'],
        'where it arrived',
      );
    },
    { needs },
  ),
  must(
    'network/allowed-socks',
    'network-allowed',
    'any protocol over TCP gets to a listed host and port',
    async (t) => {
      const { guest, world, arrived } = await egressSetting(t);
      const path = `/${t.word('socks')}`;
      const { stream, why } = await guest.socks(world.name('api'), world.ports.http);
      t.ok(stream !== undefined, `no connection: ${why}`);
      if (!stream) return;
      stream.write(plain(`${world.name('api')}:${world.ports.http}`, path));
      t.match(await hear(stream, t.limits.command), /^HTTP\/1\.1 200 /, 'the answer');
      t.equal(arrived(path).length, 1, 'arrivals');
    },
    { needs },
  ),
  must(
    'network/allowed-block',
    'network-allowed',
    'an address in a listed block answers',
    async (t) => {
      const { guest, world, arrived } = await egressSetting(t);
      const path = `/${t.word('block')}`;
      await answered(t, guest, `http://${world.address}:${world.ports.http}${path}`);
      t.equal(arrived(path).length, 1, 'arrivals');
    },
    { needs },
  ),
  must(
    'network/wildcard',
    'network-allowed',
    'a wildcard lists the names below it, and neither itself nor what only ends alike',
    async (t) => {
      const { guest, url, arrived } = await egressSetting(t);
      const word = t.word('wild');
      await answered(t, guest, url('http', 'one.wild', `/${word}-one`));
      await answered(t, guest, url('http', 'two.one.wild', `/${word}-two`));
      for (const host of ['wild', 'evilwild', 'one.wild.evil'])
        refused(t, await guest.request(url('http', host, `/${word}-${host}`)), host);
      t.equal(
        arrived(word).map(({ url: path }) => path),
        [`/${word}-one`, `/${word}-two`],
        'what arrived',
      );
    },
    { needs },
  ),
  must(
    'network/allowed-websocket',
    'network-allowed',
    'a WebSocket to a listed host works',
    async (t) => {
      const { guest, world } = await egressSetting(t);
      const authority = `${world.name('api')}:${world.ports.http}`;
      const target = guest.proxy ? `http://${authority}/socket` : '/socket';
      const key = randomBytes(16).toString('base64');
      const stream = await guest.open(world.name('api'), world.ports.http);
      stream.write(
        `GET ${target} HTTP/1.1\r\nHost: ${authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
      );
      t.match(await firstOf(stream, t.limits.command), /^HTTP\/1\.1 101 /, 'the answer');
      // A text frame of five bytes, masked with zeros.
      const frame = Buffer.from([0x81, 0x85, 0, 0, 0, 0, ...Buffer.from('hello')]);
      stream.write(frame);
      const said = await hear(stream, t.limits.command, (text) => text.length >= frame.length);
      t.bytes(Buffer.from(said, 'latin1'), frame, 'what came back');
    },
    { needs },
  ),
];
