import { must, type Check } from '../../check.ts';
import { egressSetting, refused } from './egress-setting.ts';
import { hear } from './guest-connection.ts';

const needs = { capability: 'network', network: 'allow-list' } as const;
const limited = { capability: 'network', network: 'requests' } as const;
const close = 'Connection: close\r\n\r\n';

export const requestChecks: readonly Check[] = [
  must(
    'network/host-header',
    'network-one-host',
    'a request whose Host header names another host than its URL is refused',
    async (t) => {
      const { guest, world, arrived, url } = await egressSetting(t);
      const path = `/${t.word('host')}`;
      const { http } = world.ports;
      const [api, unlisted] = [world.name('api'), world.name('unlisted')];
      const target = guest.proxy ? url('http', 'api', path) : path;
      const lines = [
        `Host: ${unlisted}:${http}`,
        `Host: ${api}:${http}\r\nHost: ${unlisted}:${http}`,
        `Host: ${api}:${http}, ${unlisted}:${http}`,
        `Host: ${unlisted}:${http}\r\nHost: ${api}:${http}`,
      ];
      const heard = lines.map((line) =>
        guest.say(`GET ${target} HTTP/1.1\r\n${line}\r\n${close}`, api, http),
      );
      for (const text of await Promise.all(heard))
        t.match(text, /^(?:$|HTTP\/1\.1 4\d\d )/, 'the answer');
      t.equal(arrived(path), [], 'what arrived');
    },
    { needs },
  ),
  must(
    'network/server-name',
    'network-one-host',
    'TLS for another host than the tunnel was opened to is refused',
    async (t) => {
      const { guest, url, arrived } = await egressSetting(t);
      const path = `/${t.word('sni')}`;
      const serverName = new URL(url('https', 'unlisted')).hostname;
      refused(t, await guest.request(url('https', 'api', path), { serverName }), 'the request');
      t.equal(arrived(path), [], 'what arrived');
    },
    { needs },
  ),
  must(
    'network/tunnelled-host',
    'network-one-host',
    'HTTP in a tunnel is for the host of the tunnel alone',
    async (t) => {
      const { guest, world, arrived } = await egressSetting(t);
      const path = `/${t.word('tunnelled')}`;
      const { http } = world.ports;
      for (const open of ['tunnel', 'socks'] as const) {
        const { stream } =
          open === 'tunnel'
            ? await guest.tunnel(`${world.name('api')}:${http}`)
            : await guest.socks(world.name('api'), http);
        stream?.write(
          `GET ${path} HTTP/1.1\r\nHost: ${world.name('unlisted')}:${http}\r\n${close}`,
        );
        const text = stream ? await hear(stream, t.limits.command) : '';
        t.match(text, /^(?:$|HTTP\/1\.1 4\d\d )/, `the answer by ${open}`);
      }
      t.equal(arrived(path), [], 'what arrived');
    },
    { needs },
  ),
  must(
    'network/smuggled-length',
    'network-unambiguous',
    'a request whose end can be read in two ways carries no second one',
    async (t) => {
      const { guest, world, arrived, url } = await egressSetting(t);
      const word = t.word('smuggled');
      const { http } = world.ports;
      const api = world.name('api');
      const inner = `GET /${word} HTTP/1.1\r\nHost: ${world.name('unlisted')}:${http}\r\n\r\n`;
      const length = `Content-Length: ${inner.length}`;
      const bodies = [
        `${length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
        `Transfer-Encoding: chunked\r\n${length}\r\n\r\n0\r\n\r\n${inner}`,
        `Content-Length: 0\r\n${length}\r\n\r\n${inner}`,
        `Transfer-Encoding: xchunked\r\n${length}\r\n\r\n${inner}`,
        `Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n${inner}`,
        `Content-Length: +0\r\n\r\n${inner}`,
      ];
      const target = guest.proxy ? url('http', 'api', '/outer') : '/outer';
      const heard = bodies.map((body) =>
        guest.say(`POST ${target} HTTP/1.1\r\nHost: ${api}:${http}\r\n${body}`, api, http, (text) =>
          /^HTTP\/1\.1 4\d\d /.test(text),
        ),
      );
      await Promise.all(heard.map((one) => t.promptly(t.limits.check, one, 'an answer')));
      t.equal(arrived(word), [], 'requests that were hidden in another');
    },
    { needs, extraMs: 10_000 },
  ),
  must(
    'network/smuggled-line',
    'network-unambiguous',
    'a line that servers read in different ways carries no second request',
    async (t) => {
      const { guest, world, arrived } = await egressSetting(t);
      const word = t.word('lines');
      const { http } = world.ports;
      const api = world.name('api');
      const whole = guest.proxy ? `http://${api}:${http}` : '';
      const host = `Host: ${api}:${http}`;
      const inner = `GET /${word} HTTP/1.1`;
      const texts = [
        `GET ${whole}/outer HTTP/1.1\n${host}\n\n${inner}\n${host}\n\n`,
        `GET ${whole}/outer HTTP/1.1\r\n${host}\r\nX: a\n\n${inner}\r\n${host}\r\n${close}`,
        `GET ${whole}/outer HTTP/1.1\r\n${host}\r\nX: a\r\r${inner}\r\n${host}\r\n${close}`,
        `GET ${whole}/outer\r\n${inner}\r\n${host}\r\n${close}`,
        `GET ${whole}/outer HTTP/1.1\r\n${host}\r\n X: folded\r\n${inner}\r\n${close}`,
        `GET ${whole}/outer\0 HTTP/1.1\r\n${host}\r\nX: \0\r\n${inner}\r\n${close}`,
      ];
      const heard = texts.map((text) =>
        guest.say(text, api, http, (said) => /^HTTP\/1\.1 4\d\d /.test(said)),
      );
      await Promise.all(heard);
      t.equal(arrived(word), [], 'requests that were hidden in another');
    },
    { needs, extraMs: 10_000 },
  ),
  must(
    'network/redirect',
    'network-denied',
    'a redirect leads the sandbox nowhere that it may not go, and nobody follows it on its behalf',
    async (t) => {
      const { guest, url, arrived } = await egressSetting(t);
      const path = `/${t.word('redirected')}`;
      const there = url('http', 'unlisted', path);
      const first = await guest.request(url('http', 'api', `/to?${encodeURIComponent(there)}`));
      t.equal([first.status, first.headers.location], [302, there], 'the redirect, as it was sent');
      refused(t, await guest.request(first.headers.location ?? ''), 'where it leads');
      t.equal(
        arrived(path).filter(({ url: to }) => to === path),
        [],
        'what arrived there',
      );
    },
    { needs },
  ),
  must(
    'network/requests-methods',
    'network-requests',
    'a host that takes some methods gets no other, and never one that repeats what it was sent',
    async (t) => {
      const { guest, url, arrived } = await egressSetting(t);
      const path = `/v1/${t.word('method')}`;
      t.equal((await guest.request(url('http', 'limited', path))).status, 200, 'GET');
      for (const method of ['POST', 'DELETE', 'HEAD', 'TRACE', 'PROPFIND'])
        refused(t, await guest.request(url('http', 'limited', path), { method }), method);
      refused(
        t,
        await guest.request(url('http', 'api', path), { method: 'TRACE' }),
        'TRACE to any',
      );
      t.equal(
        arrived(path).map(({ method }) => method),
        ['GET'],
        'methods that arrived',
      );
    },
    { needs: limited },
  ),
  must(
    'network/requests-paths',
    'network-requests',
    'a path that a server may read as another one is judged as both',
    async (t) => {
      const { guest, world, arrived, url } = await egressSetting(t);
      const word = t.word('path');
      const { http } = world.ports;
      const name = world.name('limited');
      t.equal((await guest.request(url('http', 'limited', `/v1/a/${word}`))).status, 200, '/v1');
      const outside = [
        ...[`/${word}`, `/v1/../${word}`, `/v1/%2e%2e/${word}`, `/v1/.%2E/${word}`],
        ...[`/v1/..%2f${word}`, `/v1/..\\${word}`, `/v1/%2e%2e%5c${word}`, `/v1/..;/${word}`],
        ...[`//v1/../${word}`, `/V1/${word}`, `/v1%2f..%2f${word}`, `/v1/%252e%252e/${word}`],
      ];
      const heard = outside.map((path) =>
        guest.say(
          `GET ${guest.proxy ? `http://${name}:${http}` : ''}${path} HTTP/1.1\r\nHost: ${name}:${http}\r\n${close}`,
          name,
          http,
        ),
      );
      await Promise.all(heard);
      t.equal(
        arrived(word).map(({ url: path }) => path),
        [`/v1/a/${word}`],
        'paths that arrived',
      );
    },
    { needs: limited },
  ),
  must(
    'network/requests-opaque',
    'network-requests',
    'a host that takes some requests takes nothing that cannot be read',
    async (t) => {
      const { guest, world, arrived } = await egressSetting(t);
      const word = t.word('opaque');
      const { http } = world.ports;
      const name = world.name('limited');
      const bytes = [
        `GET /${word} HTTP/1.1\r\nHost: ${name}:${http}\r\n${close}`,
        `\r\nGET /${word} HTTP/1.0\r\n\r\n`,
        `get /${word} HTTP/1.1\r\nHost: ${name}:${http}\r\n${close}`,
      ];
      for (const text of bytes) {
        for (const open of ['tunnel', 'socks'] as const) {
          const { stream } =
            open === 'tunnel'
              ? await guest.tunnel(`${name}:${http}`)
              : await guest.socks(name, http);
          stream?.write(text);
          if (stream) await hear(stream, t.limits.prompt);
        }
      }
      t.equal(arrived(word), [], 'what arrived');
    },
    { needs: limited },
  ),
];
