import type { Sandbox, SandboxProcess } from '@gantry/core';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { readFileSync } from 'node:fs';
import { eventually, namespaceOf, processesIn, pidNamespace, type Scenario } from './scenario.ts';

/** Answers each connection, after its end, with how much it has read and the beginning of it. */
const server = `use Socket;
socket(my $listener, PF_INET, SOCK_STREAM, 0) or die; setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1);
bind($listener, sockaddr_in(8000, inet_aton('127.0.0.1'))) or die; listen($listener, 200) or die;
$SIG{CHLD} = 'IGNORE'; $| = 1; print "ready\\n";
while (1) {
  accept(my $client, $listener) or next;
  if (fork == 0) {
    my ($all, $first, $part) = (0, '');
    while (my $read = sysread($client, $part, 65536)) { $all += $read; $first .= $part if length $first < 100000; }
    syswrite($client, "$all " . substr($first, 0, 100000)); exit;
  }
  close $client;
}`;

async function serve(sandbox: Sandbox): Promise<SandboxProcess> {
  const process = await sandbox.spawn(['perl', '-e', server]);
  const reader = process.stdout.getReader();
  const { value } = await reader.read();
  assert.equal(Buffer.from(value ?? []).toString(), 'ready\n');
  return process;
}

/** Sends everything, then the end, and resolves to all that came back: so a half-close gets through. */
function exchange(url: string, bytes: Uint8Array | string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true }, () => {
      socket.end(bytes);
    });
    const parts: Buffer[] = [];
    socket.on('data', (part) => parts.push(part));
    socket.once('end', () => resolve(Buffer.concat(parts).toString('latin1')));
    socket.once('error', reject);
  });
}

/** How a connection on which nobody answers ends. */
function refusal(url: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.once('close', () => resolve('closed'));
    socket.setTimeout(5_000, () => resolve('it hangs'));
  });
}

/** The local addresses on which a TCP port of this host listens, in the kernel's hexadecimal. */
function listeners(port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[1]?.endsWith(wanted) && fields[3] === '0A')
      .map((fields) => (fields[1] ?? '').split(':')[0] ?? ''),
  );
}

/** What holds of ports. */
export const portScenarios: readonly Scenario[] = [
  {
    name: 'reaches a port inside from 127.0.0.1 and nowhere else: half-closes, many at once, large ones',
    async run({ provider }) {
      await using sandbox = await provider.create();
      await using _server = await serve(sandbox);
      const { url, headers } = await sandbox.expose(8000);
      assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
      assert.deepEqual(headers, {});
      assert.equal((await sandbox.expose(8000)).url, url);
      // 0100007F is 127.0.0.1 as the kernel writes it.
      assert.deepEqual(listeners(Number(new URL(url).port)), ['0100007F']);
      assert.equal(await exchange(url, 'hello'), '5 hello');
      const sizes = Array.from({ length: 100 }, (_, index) => index * 100);
      const answers = await Promise.all(sizes.map((size) => exchange(url, 'x'.repeat(size))));
      assert.deepEqual(
        answers,
        sizes.map((size) => `${size} ${'x'.repeat(size)}`),
      );
      const large = await exchange(url, new Uint8Array(20 << 20));
      assert.ok(large.startsWith(`${20 << 20} `));
    },
  },
  {
    name: 'makes a client that does not read wait, without reading ahead for it',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const flood = `use Socket; $| = 1;
socket(my $l, PF_INET, SOCK_STREAM, 0); bind($l, sockaddr_in(8001, inet_aton('127.0.0.1'))) or die; listen($l, 5);
print "ready\\n"; accept(my $c, $l); my $n = 0;
while (my $w = syswrite($c, 'x' x 65536)) { $n += $w; print "$n\\n"; }`;
      await using process = await sandbox.spawn(['perl', '-e', flood]);
      let said = '';
      void (async () => {
        for await (const part of process.stdout) said = Buffer.from(part).toString();
      })();
      await eventually(() => said !== '', 'it listens');
      const { url } = await sandbox.expose(8001);
      const socket: Socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
      socket.pause();
      await eventually(() => Number(said.trim().split('\n').at(-1)) > 0, 'it writes');
      const sent = async (): Promise<number> => {
        for (let before = -1; ;) {
          const now = Number(said.trim().split('\n').at(-1));
          if (now === before) return now;
          before = now;
          await new Promise((resolve) => setTimeout(resolve, 500));
        }
      };
      assert.ok((await sent()) < 64 << 20, 'it waits before it has sent 64 MiB');
      socket.destroy();
    },
  },
  {
    name: 'resets a connection to a port on which nobody listens, and ends with the sandbox’s release',
    async run({ provider }) {
      await using sandbox = await provider.create();
      const closed = await sandbox.expose(9_999);
      assert.equal(await refusal(closed.url), 'ECONNRESET');
      const other = await provider.connect(sandbox.ref);
      await using _server = await serve(sandbox);
      const { url } = await other.expose(8000);
      assert.equal(await exchange(url, 'a'), '1 a');
      await other.release();
      await eventually(async () => (await refusal(url)) === 'ECONNREFUSED', 'nothing listens');
      assert.equal(await exchange((await sandbox.expose(8000)).url, 'b'), '1 b');
    },
  },
  {
    name: 'ends a forwarding when another process destroys the sandbox, and when its own is killed',
    async run(context) {
      const { provider, stateDirectory } = context;
      await using sandbox = await provider.create();
      const { url } = await sandbox.expose(8000);
      const script = path.join(import.meta.dirname, 'other-process.ts');
      const killed = await new Promise<string>((resolve) => {
        const args = [script, stateDirectory, 'expose', JSON.stringify(sandbox.ref), '8000'];
        execFile(process.execPath, args, (_error, stdout) => resolve(stdout));
      });
      const { url: second, helper } = JSON.parse(killed) as { url: string; helper: number };
      assert.equal(await refusal(second), 'ECONNREFUSED');
      await eventually(() => pidNamespace(helper) === undefined, 'its connector has ended');
      const namespace = namespaceOf(context, sandbox);
      await (await provider.connect(sandbox.ref)).destroy();
      await eventually(async () => (await refusal(url)) === 'ECONNREFUSED', 'nothing listens');
      assert.deepEqual(processesIn(namespace), []);
    },
  },
  {
    name: 'gives a guest no way to the host: its own loopback is its own',
    async run({ provider }) {
      const host = createServer((socket) => socket.end('host'));
      await new Promise<void>((resolve) => void host.listen(0, '127.0.0.1', resolve));
      try {
        const address = host.address();
        const port = typeof address === 'object' && address ? address.port : 0;
        await using sandbox = await provider.create();
        const { url } = await sandbox.expose(8000);
        for (const target of [port, Number(new URL(url).port)]) {
          const line = `exec 3<>/dev/tcp/127.0.0.1/${target} && cat <&3`;
          const { ok, stdout } = await sandbox.exec(['bash', '-c', line]);
          assert.deepEqual([ok, stdout.text], [false, '']);
        }
      } finally {
        host.close();
      }
    },
  },
];
