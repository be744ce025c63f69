import type { Provider, Sandbox } from '@gantry/core';
import type { Call, DriverHandle, Interception, SandboxDriver } from '@gantry/core/driver';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import {
  describe,
  eventually,
  namespaceOf,
  processesIn,
  type Scenario,
  shell,
} from './scenario.ts';

const port = 3128;
const call: Call = { signal: new AbortController().signal };

/** The same provider, and what its driver can do with a sandbox beside what `Sandbox` offers. */
export function withDriver(provider: Provider): {
  readonly provider: Provider;
  readonly intercept: (
    sandbox: Sandbox,
    onConnection: (connection: Duplex) => void,
    options?: { readonly port?: number },
  ) => Promise<Interception>;
} {
  const handles = new Map<string, DriverHandle>();
  let inner: SandboxDriver | undefined;
  const keep = <Handle extends DriverHandle>(handle: Handle): Handle => {
    handles.set(handle.ref.id, handle);
    return handle;
  };
  const wrapped = provider.wrap((driver) => {
    inner = driver;
    return {
      ...driver,
      create: async (request, options) => keep(await driver.create(request, options)),
      connect: async (ref, options) => keep(await driver.connect(ref, options)),
    };
  });
  return {
    provider: wrapped,
    async intercept(sandbox, onConnection, options = {}) {
      const handle = handles.get(sandbox.ref.id);
      const made = inner?.network?.intercept?.(
        handle ?? sandbox,
        { port, ...options },
        onConnection,
        call,
      );
      assert.ok(made, 'the driver intercepts');
      return made;
    },
  };
}

export const echo = (connection: Duplex): void => void connection.pipe(connection);

/** Opens so many connections at once, sends its number down each with its end, and prints how many came back right. */
const clients = `use Socket; my ($count, $right, @all) = ($ARGV[0], 0);
for my $n (1 .. $count) {
  socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket $n: $!"; connect($s, sockaddr_in(${port}, inet_aton('127.0.0.1'))) or die "connect $n: $!";
  push @all, $s;
}
for my $n (1 .. $count) { syswrite($all[$n - 1], "number $n"); shutdown($all[$n - 1], 1); }
for my $n (1 .. $count) {
  my ($got, $part) = (''); while (sysread($all[$n - 1], $part, 65536)) { $got .= $part; } $right++ if $got eq "number $n";
}
print $right;`;

const ask = `exec 3<>/dev/tcp/127.0.0.1/${port} && echo asked >&3 && head -1 <&3`;

async function answers(sandbox: Sandbox): Promise<boolean> {
  const { ok, stdout } = await sandbox.exec(['bash', '-c', ask]);
  return ok && stdout.text === 'asked\n';
}

async function refused(sandbox: Sandbox): Promise<void> {
  const { ok, stderr } = await sandbox.exec(['bash', '-c', ask]);
  assert.ok(!ok && /refused/.test(stderr.text), `it must be refused: ${stderr.text}`);
}

/** What holds of the connections that a sandbox makes to its host. */
export const interceptionScenarios: readonly Scenario[] = [
  {
    name: 'hands the host what a sandbox connects to: 500 at once, half-closes, large ones, aborts, and nothing else',
    async run({ provider: plain }) {
      const { provider, intercept } = withDriver(plain);
      await using sandbox = await provider.create();
      await using other = await provider.create();
      await refused(sandbox);
      const seen: Duplex[] = [];
      await intercept(sandbox, (connection) => {
        seen.push(connection);
        echo(connection);
      });
      const many = await sandbox.exec(['perl', '-e', clients, '500']);
      assert.equal(many.stdout.text, '500', describe(many));
      const large = `exec 3<>/dev/tcp/127.0.0.1/${port}; head -c 50000000 /dev/zero >&3 & head -c 50000000 <&3 | wc -c`;
      assert.equal((await shell(sandbox, `bash -c '${large}'`)).trim(), '50000000');
      // A client that is killed in the middle, which resets the connection.
      const before = seen.length;
      const abort = `exec 3<>/dev/tcp/127.0.0.1/${port}; head -c 1000000 /dev/zero >&3; kill -9 $$`;
      await sandbox.exec(['bash', '-c', abort]);
      await eventually(() => seen[before]?.destroyed === true, 'the aborted one has ended');
      assert.ok(await answers(sandbox));
      // One listener is one sandbox's.
      await refused(other);
      const host = connect({ host: '127.0.0.1', port });
      const code = await new Promise<string | undefined>((resolve) => {
        host.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
        host.once('connect', () => resolve('it listens on the host'));
      });
      assert.equal(code, 'ECONNREFUSED');
      host.destroy();
    },
  },
  {
    name: 'has one listener at a port, which ends with its process',
    async run({ provider: plain, stateDirectory }) {
      const { provider, intercept } = withDriver(plain);
      await using sandbox = await provider.create();
      const first = await intercept(sandbox, (connection) => connection.end('first\n'));
      await assert.rejects(intercept(sandbox, echo), { code: 'already-exists' });
      const second = await intercept(sandbox, echo, { port: 0 });
      assert.ok(second.port > 1023 && second.port !== port);
      assert.equal(await shell(sandbox, `bash -c '${ask}'`), 'first\n');
      await first.close();
      await first.closed;
      await refused(sandbox);
      const script = path.join(import.meta.dirname, 'other-process.ts');
      const args = [script, stateDirectory, 'intercept', JSON.stringify(sandbox.ref), String(port)];
      const killed = await new Promise<string>((resolve) => {
        execFile(process.execPath, args, (_error, stdout) => resolve(stdout));
      });
      assert.deepEqual(JSON.parse(killed), { listens: true, taken: 'already-exists' });
      // Nobody is there: refused, and free for the next.
      await refused(sandbox);
      await intercept(sandbox, echo);
      assert.ok(await answers(sandbox));
    },
  },
  {
    name: 'intercepts a sandbox through a suspension in memory, until it is released or gone',
    async run(context) {
      const { provider, intercept } = withDriver(context.provider);
      const sandbox = await provider.create();
      const open: Duplex[] = [];
      const interception = await intercept(sandbox, (connection) => {
        open.push(connection);
        echo(connection);
      });
      assert.ok(await answers(sandbox));
      await sandbox.suspend('memory');
      await using resumed = await provider.resume(sandbox.ref);
      assert.ok(await answers(resumed));
      await resumed.exec(['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port}; sleep 1000 >&3 &`]);
      const namespace = namespaceOf(context, sandbox);
      // By another than who intercepts.
      await context.provider.destroy(sandbox.ref);
      // Nothing of it keeps this process from ending.
      let closed = false;
      void interception.closed.then(() => (closed = true));
      await eventually(() => closed, 'it ends with the sandbox');
      await eventually(() => open.every(({ destroyed }) => destroyed), 'connections have ended');
      assert.deepEqual(processesIn(namespace), []);
      await assert.rejects(intercept(sandbox, echo), { code: 'unavailable' });
      await using another = await provider.create();
      const until = await intercept(another, echo);
      await another.release();
      await until.closed;
      await assert.rejects(intercept(another, echo), { code: 'failed-precondition' });
      const connected = await provider.connect(another.ref);
      await refused(connected);
      await connected.destroy();
    },
  },
];
