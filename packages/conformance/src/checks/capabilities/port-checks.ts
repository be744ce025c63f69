import { readFile } from 'node:fs/promises';
import { type Endpoint, type Sandbox, SandboxError } from '@gantry/core';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { undeclared } from './undeclared.ts';

const needs = { capability: 'ports' } as const;

/** Programs that can serve one file over HTTP, in the order of preference. */
const server =
  'cd "$1"; if command -v busybox >/dev/null && busybox --list 2>/dev/null | grep -qx httpd; then exec busybox httpd -f -p "$2" -h .; elif command -v python3 >/dev/null; then exec python3 -m http.server "$2"; elif command -v perl >/dev/null; then exec perl -MIO::Socket::INET -e \'$s=IO::Socket::INET->new(LocalPort=>$ARGV[0],Listen=>5,ReuseAddr=>1) or die; while($c=$s->accept){while(<$c>){last if /^\\r?\\n$/} open F,"<","index.html"; local $/; $b=<F>; print $c "HTTP/1.0 200 OK\\r\\nContent-Length: ".length($b)."\\r\\n\\r\\n$b"; close $c}\' "$2"; else exit 99; fi';

/** A sandbox with a port that nobody else is likely to have, and the least network with which the provider gives it one. */
async function withPort(t: CheckContext): Promise<{ sandbox: Sandbox; port: number }> {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const manifest = { spec: 'gantry-manifest/1', ports: [port] } as const;
  const network = { mode: 'open' } as const;
  try {
    return { sandbox: await t.create({ manifest }), port };
  } catch (error) {
    const mayNeedMore = t.capabilities.network?.modes.includes(network.mode) ?? false;
    if (!mayNeedMore || !SandboxError.is(error) || error.code !== 'unsupported') throw error;
    return { sandbox: await t.create({ manifest: { ...manifest, network } }), port };
  }
}

/** What an endpoint answers: a status, and 0 for a connection that was refused or cut. */
async function ask(t: CheckContext, { url, headers }: Endpoint, what: string): Promise<number> {
  const asked = fetch(url, { headers, signal: t.signal }).then(
    async (response) => {
      await response.body?.cancel();
      return response.status;
    },
    () => 0,
  );
  return t.promptly(t.limits.prompt, asked, what);
}

/** The addresses on which this host listens at a port, in the kernel's own spelling. */
async function listening(port: number): Promise<string[]> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'latin1').catch(() => '')),
  );
  return tables
    .flatMap((table) => table.split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === '0A' && local?.endsWith(suffix))
    .flatMap(([, local]) => local?.slice(0, -suffix.length) ?? []);
}

const loopback = /^(?:7F|[0-9A-F]{6}7F$|0{24}01000000$|0{16}FFFF0000[0-9A-F]{6}7F$)/;

export const portChecks: readonly Check[] = [
  undeclared('ports', 'ports', (sandbox) => sandbox.expose(8080)),
  must(
    'ports/reaches',
    'ports-stream',
    'an exposed port answers with what the sandbox serves',
    async (t) => {
      const { sandbox, port } = await withPort(t);
      const word = t.word();
      await sandbox.files.write('www/index.html', word);
      await using serving = await sandbox.spawn(['sh', '-c', server, 'sh', 'www', String(port)]);
      const gaveUp = serving.exit.then(
        (exit) => exit.code === 99,
        () => false,
      );
      const first = await Promise.race([
        gaveUp,
        new Promise((resolve) => setTimeout(() => resolve(false), t.limits.quiet)),
      ]);
      if (first === true)
        t.untestable('the sandbox has no busybox httpd, python3 or perl to serve with');
      const { url, headers } = await sandbox.expose(port);
      let text = '';
      await t.eventually(
        t.limits.command,
        async () => {
          text = await fetch(`${url}/index.html`, {
            headers,
            signal: AbortSignal.timeout(t.limits.prompt),
          }).then(
            (response) => response.text(),
            () => '',
          );
          return text === word;
        },
        'the answer of the server in the sandbox',
      );
      t.equal(text, word, 'what it served');
      for (const bad of [0, 65_536, 1.5])
        await t.rejects('invalid-argument', () => sandbox.expose(bad), `expose(${bad})`);
    },
    { needs: { capability: 'ports' } },
  ),
  must(
    'ports/local',
    'ports-local',
    'an endpoint on this host is on loopback, and opens no way out for the guest',
    async (t) => {
      const { sandbox, port } = await withPort(t);
      const look = 'cat /proc/net/route; cut -d: -f1 /proc/net/dev';
      const before = (await sandbox.exec(look)).stdout.text;
      const { url } = await sandbox.expose(port);
      const { hostname, protocol, port: own } = new URL(url);
      t.match(protocol, /^https?:$/, 'protocol');
      if (/^(?:127\.|localhost$|\[::1\]$)/.test(hostname)) {
        const beyond = (await listening(Number(own))).filter((address) => !loopback.test(address));
        t.equal(beyond, [], `other addresses than loopback that listen on port ${own}`);
      } else t.equal(protocol, 'https:', 'protocol of an endpoint that is not on this host');
      t.equal((await sandbox.exec(look)).stdout.text, before, 'interfaces and routes of the guest');
    },
    { needs },
  ),
  must(
    'ports/refused',
    'ports-refused',
    'where nobody listens, a connection ends at once',
    async (t) => {
      const { sandbox, port } = await withPort(t);
      const status = await ask(t, await sandbox.expose(port), 'a request that nobody serves');
      t.ok(status === 0 || status >= 500, `nobody listens, and the endpoint answers ${status}`);
    },
    { needs },
  ),
  must(
    'ports/life',
    'ports-life',
    'an endpoint ends with its sandbox, and does not hang once it was let go of',
    async (t) => {
      const { sandbox, port } = await withPort(t);
      const object = await t.provider.connect(sandbox.ref);
      const released = await object.expose(port);
      await object.release();
      const kept = await ask(t, released, 'a request after release');
      t.ok(kept === 0 || kept >= 500, `nobody listens, and after release it answers ${kept}`);
      const endpoint = await sandbox.expose(port);
      await sandbox.destroy();
      const status = await ask(t, endpoint, 'a request after destroy');
      t.ok(status === 0 || status >= 400, `the sandbox is gone, and it answers ${status}`);
    },
    { needs },
  ),
];
