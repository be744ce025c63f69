import { must, type Check } from '../../check.ts';
import { egressSetting, refused } from './egress-setting.ts';
import { firstOf, Guest } from './guest.ts';
import { hear } from './guest-connection.ts';
import { twoRequests } from './two-requests.ts';

const needs = { capability: 'network', network: 'live' } as const;
const apart = { capability: 'network', network: 'allow-list' } as const;

export const liveChecks: readonly Check[] = [
  must(
    'network/live',
    'network-live',
    'a policy that is set while the sandbox runs holds from then on, to more and to less',
    async (t) => {
      const { enter, url, arrived, policy } = await egressSetting(t);
      const guest = await enter(t);
      const path = `/${t.word('live')}`;
      const get = async (part: string): Promise<number> =>
        (await guest.request(url('http', 'api', `${path}-${part}`))).status;
      t.equal(await get('before'), 200, 'before');
      await guest.sandbox.setNetwork({ mode: 'none' });
      t.ok((await get('none')) !== 200, 'a request was answered without network');
      await guest.sandbox.setNetwork({ ...policy, allow: policy.allow.slice(-1) });
      t.ok(
        (await get('less')) !== 200,
        'a request was answered by a host that is no longer listed',
      );
      await guest.sandbox.setNetwork(policy);
      t.equal(await get('again'), 200, 'afterwards');
      t.equal(
        arrived(path).map(({ url: to }) => to),
        [`${path}-before`, `${path}-again`],
        'what arrived',
      );
    },
    { needs },
  ),
  must(
    'network/live-late',
    'network-live',
    'a sandbox that was made without network is let out as soon as a policy is set',
    async (t) => {
      const { enter, url, policy } = await egressSetting(t);
      const before = await enter(t, { network: { mode: 'none' } });
      const path = `/${t.word('late')}`;
      refused(t, await before.request(url('http', 'api', path)), 'before');
      await before.sandbox.setNetwork(policy);
      // What a program is given it finds when it begins.
      const guest = await Guest.in(t, before.sandbox);
      t.equal((await guest.request(url('http', 'api', path))).status, 200, 'afterwards');
    },
    { needs },
  ),
  must(
    'network/live-cuts',
    'network-live',
    'what is open and no longer allowed is cut',
    async (t) => {
      const { enter, world } = await egressSetting(t);
      const guest = await enter(t);
      const authority = `${world.name('api')}:${world.ports.http}`;
      const stream = await guest.open(world.name('api'), world.ports.http);
      stream.write(
        `GET ${guest.proxy ? `http://${authority}` : ''}/socket HTTP/1.1\r\nHost: ${authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
      );
      t.match(await firstOf(stream, t.limits.command), /^HTTP\/1\.1 101 /, 'the connection');
      const ended = new Promise((resolve) => stream.once('end', resolve).once('close', resolve));
      const heard = hear(stream, t.limits.check);
      await guest.sandbox.setNetwork({ mode: 'none' });
      await t.promptly(t.limits.prompt, ended, 'the end of the connection');
      t.equal(await heard, '', 'what came over it afterwards');
    },
    { needs },
  ),
  must(
    'network/apart',
    'network-apart',
    'a sandbox is let out by its own policy, whatever another one is allowed',
    async (t) => {
      const { enter, guest, url, arrived, entry, world } = await egressSetting(t);
      const path = `/${t.word('apart')}`;
      const allow = [entry('other', 'http'), ...new Set([`${world.address}/32`])];
      const other = await enter(t, { network: { mode: 'allow-list', allow } });
      t.equal((await other.request(url('http', 'other', `${path}-1`))).status, 200, 'its own host');
      refused(t, await other.request(url('http', 'api', `${path}-2`)), "the first one's host");
      refused(t, await guest.request(url('http', 'other', `${path}-3`)), "the second one's host");
      t.equal(
        arrived(path).map(({ url: to }) => to),
        [`${path}-1`],
        'what arrived',
      );
    },
    { needs: apart },
  ),
  must(
    'network/other-process',
    'network-other-process',
    'another process that connects to a sandbox lets it out by the same policy',
    async (t) => {
      const { enter, world, arrived } = await egressSetting(t);
      const { sandbox } = await enter(t);
      const path = `/${t.word('elsewhere')}`;
      const command = twoRequests(
        world.name('api'),
        world.name('unlisted'),
        world.ports.http,
        path,
      );
      const { stdout, error } = await t.otherProcess({ do: 'exec', ref: sandbox.ref, command });
      t.equal(error, undefined, 'an error');
      t.match(stdout ?? '', /answered/, 'what the other process saw');
      t.equal(
        arrived(path).map(({ url }) => url),
        [`${path}-listed`],
        'what arrived',
      );
    },
    { needs: { ...apart, otherProcess: true }, extraMs: 15_000 },
  ),
  must(
    'network/process-gone',
    'network-fails-closed',
    'a sandbox whose policy a process enforces reaches nothing but what is listed once that has gone',
    async (t) => {
      const { world, policy, arrived } = await egressSetting(t);
      const path = `/${t.word('gone')}`;
      const manifest = { spec: 'gantry-manifest/1', network: policy } as const;
      const once = twoRequests(world.name('api'), world.name('unlisted'), world.ports.http, path);
      // Goes on after the process that serves the sandbox has ended.
      const command = `tries() { i=0; while [ $i -lt 200 ]; do i=$((i+1)); ( ${once.replaceAll('\n', '; ')} ) >/dev/null 2>&1; echo x >> tries; sleep 0.1; done; }
( tries & ) >/dev/null 2>&1 </dev/null
n=0; until [ -s tries ] || [ $n -gt 100 ]; do n=$((n+1)); sleep 0.1; done; cat tries`;
      const made = await t.otherProcess({ do: 'create', options: { manifest }, command });
      t.equal(made.error, undefined, 'an error');
      const ref = t.present(made.ref, 'the other process has made no sandbox');
      t.ok(
        arrived(`${path}-listed`).length > 0,
        `nothing arrived while the process lived: ${made.stdout}`,
      );
      const sandbox = await t.provider.connect(ref);
      const count = async (): Promise<number> =>
        (await sandbox.exec('cat tries')).stdout.text.split('\n').length;
      const seen = await count();
      const before = arrived(path).length;
      await t.eventually(t.limits.check, async () => (await count()) > seen + 2, 'more tries');
      t.equal(arrived(`${path}-unlisted`), [], 'what arrived at a host that is not listed');
      // Whoever records is a process of this host; what a provider enforces by itself goes on.
      if (t.capabilities.network?.recorded)
        t.equal(arrived(path).length, before, 'requests that arrived afterwards');
      await sandbox.release();
    },
    { needs: { ...apart, otherProcess: true }, extraMs: 30_000 },
  ),
];
