import { must, type Check } from '../../check.ts';
import { egressSetting, refused } from './egress-setting.ts';
import { hear } from './guest-connection.ts';

const needs = { capability: 'network', network: 'allow-list' } as const;

/** Forms of the host's loopback that some parser takes for an address. */
const odd: readonly string[] = [
  ...['127.0.0.1', 'localhost', 'LOCALHOST.', '127.1', '127.0.1', '0x7f000001', '0x7f.0.0.1'],
  ...['2130706433', '017700000001', '0177.0.0.1', '127.0.0.1.', '0.0.0.0', '0', '127.0.0.1%00'],
];

/** The same as IPv6, with an IPv4 address in it or not. */
const six: readonly string[] = [
  ...['[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:ffff:127.0.0.1]'],
  ...['[::127.0.0.1]', '[64:ff9b::127.0.0.1]', '[2002:7f00:1::]', '[::ffff:0:127.0.0.1]'],
];

async function reachedBy(
  t: Parameters<Check['run']>[0],
  hosts: readonly string[],
): Promise<readonly string[]> {
  const { guest, world } = await egressSetting(t);
  const before = world.reached.length;
  const tries = hosts.map(async (host) => {
    const authority = `${host}:${world.ownPort}`;
    const target = guest.proxy ? `http://${authority}/` : '/';
    const bare = host.replace(/^\[(.*)\]$/, '$1');
    const request = `GET ${target} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`;
    // Addresses in brackets by a tunnel, which reads them by itself; all others as a URL.
    if (bare === host || !guest.proxy) {
      const heard = await guest.say(request, bare, world.ownPort);
      return heard.includes('reached') ? [host] : [];
    }
    const { stream } = await guest.tunnel(authority);
    stream?.write(request);
    const heard = stream ? await hear(stream, t.limits.command) : '';
    return heard.includes('reached') ? [host] : [];
  });
  const answers = (await Promise.all(tries)).flat();
  t.equal(world.reached.slice(before), [], 'connections that came to the service of the host');
  return answers;
}

export const addressChecks: readonly Check[] = [
  must(
    'network/address-forms',
    'network-private',
    "the host's own services are out of reach in every form in which an address can be written",
    async (t) => t.equal(await reachedBy(t, odd), [], 'forms that lead there'),
    { needs },
  ),
  must(
    'network/address-mapped',
    'network-private',
    'nor does an IPv6 address that stands for an IPv4 one lead there',
    async (t) => t.equal(await reachedBy(t, six), [], 'forms that lead there'),
    { needs },
  ),
  must(
    'network/address-in-name',
    'network-private',
    'user names, ports and other parts of a URL do not lead to another host than its name',
    async (t) => {
      const { guest, world, arrived } = await egressSetting(t);
      const word = t.word('confusing');
      const { http } = world.ports;
      const [api, unlisted] = [world.name('api'), world.name('unlisted')];
      const confusing = [
        `http://${api}@${world.hidden}:${http}/${word}`,
        `http://${api}:${http}@${unlisted}:${http}/${word}`,
        `http://${unlisted}:${http}\\@${api}:${http}/${word}`,
        `http://${unlisted}:${http}#@${api}:${http}/${word}`,
        `http://${api}%2e${unlisted}:${http}/${word}`,
        `http://${api}%00.${unlisted}:${http}/${word}`,
      ];
      const heard = confusing.map((url) =>
        guest.say(
          `GET ${guest.proxy ? url : `/${word}`} HTTP/1.1\r\nHost: ${unlisted}:${http}\r\nConnection: close\r\n\r\n`,
          unlisted,
          http,
        ),
      );
      await Promise.all(heard);
      t.equal(arrived(word), [], 'what arrived');
    },
    { needs },
  ),
  must(
    'network/rebound',
    'network-private',
    'a listed name that resolves to a private address which no block names is denied',
    async (t) => {
      const { guest, url, arrived, world } = await egressSetting(t);
      const path = `/${t.word('rebound')}`;
      refused(t, await guest.request(url('http', 'rebound', path)), 'the request');
      const { stream } = await guest.socks(world.name('rebound'), world.ports.http);
      stream?.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      t.equal(stream ? await hear(stream, t.limits.command) : '', '', 'the answer over SOCKS');
      t.equal(arrived(path), [], 'what arrived');
    },
    { needs },
  ),
  must(
    'network/resolved-once',
    'network-names',
    'a connection goes to the address that was judged, not to what the name resolves to the next time',
    async (t) => {
      const { guest, url, arrived } = await egressSetting(t);
      const path = `/${t.word('flip')}`;
      for (let tries = 0; tries < 4; tries++) await guest.request(url('http', 'flip', path));
      t.equal(
        arrived(path).filter(({ at }) => at === 'hidden').length,
        0,
        'requests that arrived at the address that is denied',
      );
    },
    { needs },
  ),
  must(
    'network/names-kept',
    'network-names',
    'a name that is not listed is told to no name server',
    async (t) => {
      const { guest, world } = await egressSetting(t);
      const name = world.name(`${t.word('x').slice(2, 34)}.tunnel`);
      const { http } = world.ports;
      await guest.request(`http://${name}:${http}/`);
      (await guest.tunnel(`${name}:${http}`)).stream?.destroy();
      (await guest.socks(name, http)).stream?.destroy();
      const nameServers = (await guest.sandbox.exec('cat /etc/resolv.conf')).stdout.text;
      const line =
        'for s in "" 127.0.0.1; do timeout 2 nslookup "$1" $s; done >/dev/null 2>&1; true';
      await guest.sandbox.exec(['/bin/sh', '-c', line, 'ask', name]);
      t.equal(
        world.asked.filter((asked) => asked === name.toLowerCase()),
        [],
        `names that were asked for (name servers of the sandbox: ${nameServers.trim()})`,
      );
    },
    { needs, extraMs: 8_000 },
  ),
];
