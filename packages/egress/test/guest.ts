import type { Manifest, ManifestEntry, Sandbox } from '@gantry/core';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import path from 'node:path';

/** One thing that a program in a sandbox tries. */
export type Attempt =
  /** Past the proxy. */
  | { readonly tcp: readonly [host: string, port: number] }
  | { readonly udp: readonly [host: string, port: number] }
  | { readonly resolve: string }
  | { readonly raw: 'icmp' | 'raw' | 'packet' }
  /** To the proxy: a request for the URL, `CONNECT`, or SOCKS5 by name. */
  | { readonly get: string; readonly host?: string }
  | { readonly connect: string }
  | { readonly socks: readonly [host: string, port: number] }
  /** As any program does that heeds its environment. */
  | { readonly fetch: string; readonly headers?: Readonly<Record<string, string>> };

/** Runs in the sandbox; prints one outcome for each attempt: `ok …` where it got something, else why not. */
const program = String.raw`
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
const proxy = process.env.HTTP_PROXY ? new URL(process.env.HTTP_PROXY) : undefined;
const within = 30000;
function open(host, port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    socket.setTimeout(within, () => socket.destroy(Object.assign(new Error('silent'), { code: 'SILENT' })));
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}
async function talk(bytes, enough = () => false) {
  const socket = await open(proxy.hostname, Number(proxy.port));
  let got = Buffer.alloc(0);
  socket.write(bytes);
  try {
    for await (const part of socket) { got = Buffer.concat([got, part]); if (enough(got)) break; }
  } catch (error) { if (got.length === 0) throw error; }
  socket.destroy();
  return got;
}
const verdict = (head) => (/^HTTP\/1\.[01] 2/.test(head) ? 'ok ' : '') + head.split('\r\n')[0] + ' ' + (head.split('\r\n\r\n')[1] ?? '').slice(0, 4000);
const kinds = {
  async tcp([host, port]) { (await open(host, port)).destroy(); return 'ok connected'; },
  udp: ([host, port]) => new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', reject);
    socket.send('out', port, host, (error) => { socket.close(); error ? reject(error) : resolve('sent'); });
  }),
  async resolve(name) {
    const resolver = new Resolver({ timeout: 1000, tries: 1 });
    resolver.setServers(['127.0.0.1', '8.8.8.8', '172.17.0.1']);
    return 'ok ' + await resolver.resolve4(name);
  },
  raw(kind) {
    const numbers = { icmp: '2, 2, 1', raw: '2, 3, 1', packet: '17, 3, 768' };
    const { status, stderr } = spawnSync('perl', ['-e', 'socket(my $s, ' + numbers[kind] + ') or die "$!\n"; my $to = pack("S n a4 x8", 2, 0, pack("C4", 8, 8, 8, 8)); send($s, pack("C2 n3", 8, 0, 0xf7ff, 0, 0), 0, $to) or die "$!\n"']);
    return status === 0 ? 'ok sent' : String(stderr).trim();
  },
  async get(url, { host }) {
    const bytes = 'GET ' + url + ' HTTP/1.1\r\nHost: ' + (host ?? url.replace(/^\w+:\/\//, '').split('/')[0]) + '\r\nConnection: close\r\n\r\n';
    return verdict(String(await talk(bytes)));
  },
  async connect(authority) {
    const got = await talk('CONNECT ' + authority + ' HTTP/1.1\r\nHost: ' + authority + '\r\n\r\n', (all) => all.includes('\r\n\r\n'));
    return verdict(String(got));
  },
  async socks([host, port]) {
    const name = Buffer.from(host);
    const ask = Buffer.concat([Buffer.from([5, 1, 0, 5, 1, 0, 3, name.length]), name, Buffer.from([port >> 8, port & 255])]);
    const got = await talk(ask, (all) => all.length >= 4);
    return got.length >= 4 && got[3] === 0 ? 'ok' : 'socks ' + [...got].join(' ');
  },
  async fetch(url, { headers }) {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(60000) });
    return (response.ok ? 'ok ' : '') + response.status + ' ' + (await response.text());
  },
};
const outcomes = [];
for (const attempt of JSON.parse(readFileSync(0, 'utf8'))) {
  const [[kind, what]] = Object.entries(attempt);
  try { outcomes.push(await kinds[kind](what, attempt)); }
  catch (error) { outcomes.push('failed ' + (error.cause?.code ?? error.code ?? error.cause?.message ?? error.message)); }
}
console.log(JSON.stringify(outcomes));
`;

/** Libraries that Node needs and that a small image does not have. */
const libraries: readonly string[] = execFileSync('ldd', [process.execPath], { encoding: 'utf8' })
  .split('\n')
  .flatMap((line) => /=> (\S*\/lib(?:stdc\+\+|gcc_s|atomic)\.so\S*) /.exec(line)?.[1] ?? []);

/** A manifest with what the guest's program needs. */
export function guestManifest(more: Partial<Manifest> = {}): Manifest {
  const mount = (file: string): ManifestEntry => ({
    type: 'hostMount',
    source: realpathSync(file),
  });
  return {
    spec: 'gantry-manifest/1',
    ...more,
    env: { LD_LIBRARY_PATH: '/workspace/lib', ...more.env },
    entries: {
      node: mount(process.execPath),
      ...Object.fromEntries(libraries.map((file) => [`lib/${path.basename(file)}`, mount(file)])),
      'try.mjs': { type: 'file', text: program },
      ...more.entries,
    },
  };
}

/** What came of each attempt, by the attempt as JSON. */
export async function attempt(
  sandbox: Sandbox,
  attempts: readonly Attempt[],
  env: Readonly<Record<string, string>> = {},
): Promise<ReadonlyMap<string, string>> {
  const stdin = JSON.stringify(attempts);
  const result = await sandbox.exec(['/workspace/node', '/workspace/try.mjs'], { stdin, env });
  assert.ok(result.ok, `the guest's program: ${result.stderr.text}`);
  const outcomes = JSON.parse(result.stdout.text) as readonly string[];
  return new Map(attempts.map((one, index) => [JSON.stringify(one), outcomes[index] ?? 'nothing']));
}

/** The same for a single one. */
export async function attemptOne(sandbox: Sandbox, one: Attempt): Promise<string> {
  return (await attempt(sandbox, [one])).get(JSON.stringify(one)) ?? 'nothing';
}

/** Fails unless none of the attempts got anything. */
export async function assertNothing(
  sandbox: Sandbox,
  attempts: readonly Attempt[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const outcomes = [...(await attempt(sandbox, attempts, env))];
  const through = outcomes.filter(([, outcome]) => outcome.startsWith('ok'));
  assert.deepEqual(through, [], 'nothing of this may get through');
}
