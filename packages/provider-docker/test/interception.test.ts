import type {
  Call,
  DriverHandle,
  Interception,
  InterceptOptions,
  OnConnection,
  Provider,
  SandboxDriver,
} from '@gantry/core/driver';
import type { Duplex } from 'node:stream';
import { beforeAll, expect, test } from 'vitest';
import { interceptProblem } from '../src/container-network.ts';
import { docker } from '../src/index.ts';
import { daemonOfRun } from './daemon-of-run.ts';
import { testImages } from './test-images.ts';

const call: Call = { signal: new AbortController().signal };
const port = 3128;
const handles = new Map<string, DriverHandle>();
let inner: SandboxDriver;
let provider: Provider;
beforeAll(() => {
  const plain = docker({ host: daemonOfRun().host, image: testImages.debian });
  provider = plain.wrap((driver) => {
    inner = driver;
    const keep = (handle: DriverHandle): DriverHandle => {
      handles.set(handle.ref.id, handle);
      return handle;
    };
    return { ...driver, create: async (request, one) => keep(await driver.create(request, one)) };
  });
});

async function intercept(
  { ref }: DriverHandle | { readonly ref: DriverHandle['ref'] },
  onConnection: OnConnection,
  options: InterceptOptions = { port },
): Promise<Interception> {
  const handle = handles.get(ref.id);
  if (!handle || !inner.network?.intercept) throw new Error('the driver does not intercept');
  return inner.network.intercept(handle, options, onConnection, call);
}

/** Opens so many connections at once, and prints how many brought back what was sent down them. */
const clients = `use Socket; my ($count, $right, @all) = ($ARGV[0], 0);
for (1 .. $count) { socket(my $s, PF_INET, SOCK_STREAM, 0) or die; connect($s, sockaddr_in(${port}, inet_aton('127.0.0.1'))) or die "connect: $!"; push @all, $s; }
for my $n (1 .. $count) { syswrite($all[$n - 1], "number $n"); shutdown($all[$n - 1], 1); }
for my $n (1 .. $count) { my ($got, $part) = (''); while (sysread($all[$n - 1], $part, 65536)) { $got .= $part; } $right++ if $got eq "number $n"; }
print $right;`;

test('a container without network hands the host what it connects to: 500 at once, through a suspension, till its end', async () => {
  const sandbox = await provider.create();
  const open: Duplex[] = [];
  const interception = await intercept(sandbox, (connection) => {
    open.push(connection);
    connection.pipe(connection);
  });
  const ask = async (of: typeof sandbox, count = 1): Promise<string> => {
    const { stdout, stderr } = await of.exec(['perl', '-e', clients, String(count)]);
    return stdout.text || stderr.text;
  };
  expect(await ask(sandbox, 500)).toBe('500');
  await expect(intercept(sandbox, () => undefined)).rejects.toMatchObject({
    code: 'already-exists',
  });
  await sandbox.suspend('memory');
  await using resumed = await provider.resume(sandbox.ref);
  expect(await ask(resumed)).toBe('1');
  await provider.destroy(sandbox.ref);
  await interception.closed;
  await using next = await provider.create();
  const first = await intercept(next, (connection) => connection.pipe(connection));
  expect(await ask(next)).toBe('1');
  await first.close();
  expect(await ask(next)).toMatch(/Connection refused/);
});

test('what cannot be intercepted is refused, with what to do', async () => {
  await using open = await provider.create({
    manifest: { spec: 'gantry-manifest/1', network: { mode: 'open' } },
  });
  await expect(intercept(open, () => undefined)).rejects.toMatchObject({
    code: 'failed-precondition',
    message: expect.stringContaining('has other ways out') as string,
  });
  const address = { url: 'tcp://h:1', source: 'test', isLocal: false, connection: {} };
  expect(interceptProblem(address, undefined)).toMatch(/another machine/);
  expect(interceptProblem({ ...address, isLocal: true }, 'runsc')).toMatch(/use runc/);
  const remote = docker({ host: 'unix:///nowhere/docker.sock', runtime: 'runsc' });
  expect(remote.capabilities.network).toEqual({ modes: ['none', 'open'], live: false });
});
