import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import type { Manifest, NetworkPolicy, Provider, Sandbox, SecretRule } from '@gantry/core';
import type { DriverWrapper } from '@gantry/core/driver';
import { brokering } from '@gantry/core/node';
import { startEmulator, type Vendor } from '@gantry/emulators';
import { e2b as e2bVendor } from '@gantry/emulators/e2b';
import { vercel as vercelVendor } from '@gantry/emulators/vercel';
import { daytona } from '@gantry/provider-daytona';
import { e2b } from '@gantry/provider-e2b';
import { local } from '@gantry/provider-local';
import { vercel } from '@gantry/provider-vercel';
import { describe, expect, test } from 'vitest';
import { withEgress } from '../src/index.ts';
import { startWorld, type World } from './upstream.ts';

// Vendors that set secrets in headers by themselves. Their emulators have the proxy do so, on sandboxes of this machine.

interface Subject {
  readonly name: string;
  readonly vendor: Vendor;
  readonly connect: (emulator: { readonly key: string; readonly url: string }) => Provider;
}

const subjects: readonly Subject[] = [
  {
    ...{ name: 'vercel', vendor: vercelVendor },
    connect: ({ key: token, url }) =>
      vercel({ token, teamId: 'team_gantry', projectId: 'prj_gantry', apiUrl: `${url}/api` }),
  },
  {
    ...{ name: 'e2b', vendor: e2bVendor },
    connect: ({ key: apiKey, url }) =>
      e2b({ apiKey, apiUrl: url, sandboxUrl: url, requestTimeoutMs: 120_000 }),
  },
];

const both: NetworkPolicy = { mode: 'allow-list', allow: ['api.test', 'other.test'] };

function manifestWith(rule: Partial<SecretRule> = {}, network: NetworkPolicy = both): Manifest {
  const secret = { from: 'vault:key', hosts: ['api.test'], header: 'Authorization', ...rule };
  return { spec: 'gantry-manifest/1', network, secrets: { API_KEY: secret } };
}

/** Hosts of this world are at ports of their own, which no vendor can be told. */
function atPortsOf(world: World): DriverWrapper {
  const at = (host: string): string => `${host}:${world.https}`;
  const policy = (wanted: NetworkPolicy): NetworkPolicy =>
    wanted.mode === 'allow-list'
      ? { ...wanted, allow: [...wanted.allow.map(at), at('127.0.0.2/32')] }
      : wanted;
  return (driver) => {
    const { network } = driver;
    const set = network?.set?.bind(network);
    if (!network || !set) throw new Error(`${driver.id} is not behind withEgress`);
    return {
      ...driver,
      network: { ...network, set: (handle, wanted, call) => set(handle, policy(wanted), call) },
      create: ({ secrets = {}, ...request }, call) => {
        const rules = Object.entries(secrets).map(
          ([name, rule]) => [name, { ...rule, hosts: rule.hosts.map(at) }] as const,
        );
        const asked = { ...request, network: policy(request.network) };
        return driver.create(
          rules.length > 0 ? { ...asked, secrets: Object.fromEntries(rules) } : asked,
          call,
        );
      },
    };
  };
}

const program = `import ssl, sys, urllib.request
# Nothing in the sandbox knows who certifies a host whose TLS is not ended on the way.
context = None if "api.test" in sys.argv[1] else ssl._create_unverified_context()
request = urllib.request.Request(sys.argv[1], headers={"authorization": "Bearer mine"})
try:
    print(urllib.request.urlopen(request, timeout=60, context=context).status)
except Exception as error:
    print(error)
`;

/** What came of a request from inside, which says to be somebody else. */
async function ask(sandbox: Sandbox, url: string): Promise<string> {
  const { stdout, stderr } = await sandbox.exec(['python3', '-c', program, url]);
  return stdout.text.trim() || stderr.text;
}

/** Every text in which a value is to be seen, however deep and hidden. */
const deep = (value: unknown): string =>
  inspect(value, { depth: null, showHidden: true, maxStringLength: null, maxArrayLength: null });

function expectWithout(text: string, secret: string): void {
  for (const [form] of brokering.secretForms(secret, '')) expect(text).not.toContain(form);
}

describe.each(subjects)('$name sets a secret in a header', ({ vendor, connect }) => {
  test('which the sandbox never has, and no other host gets', async () => {
    const scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-vendors-'));
    try {
      await using world = await startWorld();
      const inner = withEgress(local({ stateDirectory: path.join(scratch, 'local') }), {
        ...{ stateDirectory: path.join(scratch, 'egress'), lookup: world.lookup },
        authorities: [world.authority],
      });
      await using emulator = await startEmulator(vendor, {
        ...{ provider: inner.wrap(atPortsOf(world)), record: path.join(scratch, 'record') },
      });
      const provider = connect(emulator);
      const keys = ['sk-Zx81mN02qLw7Ge40', 'sk-Hb63kT94vRp5Uf18', 'sk-Qd27wY58sJc1Xo39'];
      let key = keys[0] ?? '';
      const url = (host: string): string => `https://${host}:${world.https}/echo`;
      const arrived = async (sandbox: Sandbox, host: string): Promise<unknown> => {
        world.arrived.length = 0;
        expect(await ask(sandbox, url(host))).toBe('200');
        return world.arrived.map(({ headers }) => headers.authorization);
      };

      const options = { manifest: manifestWith(), secrets: () => key };
      await using sandbox = await provider.create(options);
      const { stdout } = await sandbox.exec('printf %s "$API_KEY"; env >&2');
      expect(stdout.text).toMatch(/^sk-\w{16}$/);
      expect(stdout.text).not.toBe(key);
      expect(await arrived(sandbox, 'api.test')).toEqual([`Bearer ${key}`]);
      expect(await arrived(sandbox, 'other.test')).toEqual(['Bearer mine']);

      // A value holds until the vendor is told another.
      key = keys[1] ?? '';
      expect(await arrived(sandbox, 'api.test')).toEqual([`Bearer ${keys[0]}`]);
      await sandbox.setNetwork(both);
      expect(await arrived(sandbox, 'api.test')).toEqual([`Bearer ${key}`]);
      key = keys[2] ?? '';
      await provider.connect(sandbox.ref);
      expect(await arrived(sandbox, 'api.test')).toEqual([`Bearer ${key}`]);
      await sandbox.suspend('disk');
      key = keys[0] ?? '';
      const again = await provider.resume(sandbox.ref);
      expect(await arrived(again, 'api.test')).toEqual([`Bearer ${key}`]);

      // Who does not know the secrets cannot tell the vendor of them, and does not make it forget them by the way.
      const stranger = await connect(emulator).connect(sandbox.ref);
      const wider = { mode: 'allow-list', allow: ['api.test'] } as const;
      await expect(stranger.setNetwork(wider)).rejects.toMatchObject({
        ...{
          code: 'failed-precondition',
          message: expect.stringContaining('does not know') as string,
        },
      });
      expect(await arrived(again, 'api.test')).toEqual([`Bearer ${key}`]);
      world.arrived.length = 0;
      await again.setNetwork({ mode: 'allow-list', allow: ['other.test'] });
      expect(await ask(again, url('api.test'))).not.toBe('200');
      expect(world.arrived).toEqual([]);

      const inside = await again.exec(
        'env; for f in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do tr "\\0" "\\n" <"$f"; done; cat /tmp/.gantry-egress-*/*; true',
      );
      expect(inside.stdout.text).toContain(stdout.text);
      const record = readFileSync(path.join(scratch, 'record'), 'utf8');
      expect(record).toContain('api.test');
      const kept = deep([
        sandbox,
        again,
        provider,
        emulator.requests(),
        record,
        inside.stdout.text,
      ]);
      for (const each of keys) expectWithout(kept, each);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });

  test('and says so where the sandboxes behind it cannot', async () => {
    const scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-vendors-'));
    try {
      const options = { provider: local({ stateDirectory: scratch }) };
      await using emulator = await startEmulator(vendor, options);
      const key = 'sk-alone-Zx81mN02qLw7';
      const made = connect(emulator).create({ manifest: manifestWith(), secrets: () => key });
      const error = await made.then(String, (problem: unknown) => problem);
      expect(error).toMatchObject({ code: 'unsupported' });
      expect(deep(error)).toContain('sets no headers');
      expectWithout(deep([error, emulator.requests()]), key);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });

  test('and no error of it repeats the secret', async () => {
    // A vendor that answers with what it was told.
    await using echo = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const message = Buffer.concat(parts).toString();
        response.writeHead(400, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify({ code: 400, message, error: { code: 'bad_request', message } }),
        );
      });
    });
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const { port } = echo.address() as AddressInfo;
    const provider = connect({ key: 'e2b_0123456789', url: `http://127.0.0.1:${port}` });
    const key = 'sk-again-Zx81mN02qLw7';
    const made = provider.create({ manifest: manifestWith(), secrets: () => key });
    const error = await made.then(String, (problem: unknown) => problem);
    expect(error).toMatchObject({ code: 'invalid-argument' });
    expect(deep(error)).toContain('[redacted:API_KEY]');
    expectWithout(deep(error), key);
  });

  test('and nothing else: what it cannot do is refused with what to do', async () => {
    const provider = connect({ key: 'e2b_0123456789', url: 'http://127.0.0.1:9' });
    expect(provider.capabilities.secrets?.inject).toEqual(['header']);
    const { header: _header, ...bare } = { header: '', from: 'vault:key', hosts: ['api.test'] };
    const placeholder: Manifest = { ...manifestWith(), secrets: { API_KEY: bare } };
    const wide: NetworkPolicy = { mode: 'allow-list', allow: ['*.api.test'] };
    const cases: readonly (readonly [Manifest, string])[] = [
      [placeholder, 'name the header it belongs in, or use withEgress'],
      [manifestWith({}, { mode: 'open' }), 'at the hosts of an allow-list'],
      [manifestWith({ hosts: ['api.test:8443'] }), 'at port 443'],
      [manifestWith({ hosts: ['10.0.0.0/8'] }), 'by host name'],
      [manifestWith({ hosts: ['v1.api.test'] }, wide), 'name v1.api.test there'],
    ];
    for (const [manifest, reason] of cases) {
      await expect(provider.create({ manifest, secrets: () => 'x' })).rejects.toMatchObject({
        ...{ code: 'unsupported', outcome: 'not-started' },
        message: expect.stringContaining(reason) as string,
      });
    }
    const missing = provider.create({ manifest: manifestWith(), secrets: () => undefined });
    await expect(missing).rejects.toMatchObject({ code: 'failed-precondition' });
  });
});

test('a vendor that sets no headers refuses a secret by its name', async () => {
  const provider = daytona({ apiKey: 'none', apiUrl: 'http://127.0.0.1:9' });
  const made = provider.create({ manifest: manifestWith(), secrets: () => 'sk-x-0123456789' });
  await expect(made).rejects.toMatchObject({
    ...{ code: 'unsupported', outcome: 'not-started' },
    message: expect.stringMatching(
      /secrets\.API_KEY: .*use withEgress of @gantry\/egress/,
    ) as string,
  });
});
