import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import type { SandboxDriver } from '../src/contract/sandbox-driver.ts';
import type { Sandbox } from '../src/contract/sandbox.ts';
import { defineProvider, parseRef, SandboxError } from '../src/driver.ts';
import { counting, faulty, tracing, type TraceEvent } from '../src/testing.ts';
import { type HostHandle, hostDriver } from './host-driver.ts';

const refusals: readonly [string, string, (sandbox: Sandbox) => Promise<unknown>][] = [
  ['terminal', 'terminal', (sandbox) => sandbox.terminal()],
  ['expose', 'ports', (sandbox) => sandbox.expose(80)],
  ['setNetwork', 'network', (sandbox) => sandbox.setNetwork({ mode: 'none' })],
  ['suspend', 'suspend', (sandbox) => sandbox.suspend()],
  ['nativeSnapshot', 'nativeSnapshot', (sandbox) => sandbox.nativeSnapshot('workspace')],
  ['fork', 'fork', (sandbox) => sandbox.fork(2)],
  ['processes', 'processes', (sandbox) => sandbox.processes()],
  ['attach', 'processes', (sandbox) => sandbox.attach('1')],
  ['a detached spawn', 'processes.attach', (sandbox) => sandbox.spawn('true', { detached: true })],
  ['metrics', 'metrics', (sandbox) => sandbox.metrics()],
  ['extendLifetime', 'lifetime', (sandbox) => sandbox.extendLifetime(Date.now())],
  ['files.watch', 'watch', (sandbox) => sandbox.files.watch('.')[Symbol.asyncIterator]().next()],
  ['exec with a user', 'users', (sandbox) => sandbox.exec('true', { user: 'root' })],
];

test.each(refusals)(
  '%s throws unsupported without %s, and calls no driver',
  async (_, capability, act) => {
    const { wrapper, counts } = counting();
    await using sandbox = await defineProvider(hostDriver()).wrap(wrapper).create();
    counts.reset();
    const error: unknown = await act(sandbox).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'unsupported',
      outcome: 'not-started',
      details: { capability },
    });
    expect(counts.total()).toBe(0);
  },
);

test('a detached process, and one attached to, is let go of and not killed', async () => {
  const inner = hostDriver();
  const seen: unknown[] = [];
  const kills: unknown[] = [];
  const driver: SandboxDriver<HostHandle> = {
    ...inner,
    async spawn(handle, command, call) {
      seen.push(command.detached, command.stdin);
      const started = await inner.spawn(handle, { ...command, stdin: 'none' }, call);
      return { ...started, id: 'p1', kill: async (signal) => void kills.push(signal) };
    },
    processes: {
      attach: true,
      list: async () => [],
      attachTo: (handle, id, from, call) => {
        seen.push(id, from);
        const command = { argv: ['sleep', '2'], cwd: '/', env: {}, stdin: 'none' } as const;
        return driver.spawn(handle, command, call);
      },
    },
  };
  await using sandbox = await defineProvider(driver).create();
  const options = { detached: true, stdin: new Uint8Array([7]) } as const;
  const running = await sandbox.spawn('sleep 2', options);
  expect(running.id).toBe('p1');
  expect(seen).toEqual([true, new Uint8Array([7])]);
  await running[Symbol.asyncDispose]();
  await (await sandbox.attach('p1', { stdoutOffset: 5 }))[Symbol.asyncDispose]();
  expect(seen.slice(2, 4)).toEqual(['p1', { stdoutOffset: 5, stderrOffset: 0 }]);
  expect(kills).toEqual([]);
  const invalid = { code: 'invalid-argument' };
  await expect(sandbox.attach('p1', { stderrOffset: 0.5 })).rejects.toMatchObject(invalid);
  await expect(sandbox.spawn('cat', { detached: true, stdin: 'stream' })).rejects.toMatchObject(
    invalid,
  );
});

test('a watch that its signal ends was cancelled, one that its time limit ends is too late', async () => {
  const driver: SandboxDriver<HostHandle> = {
    ...hostDriver(),
    watch: {
      recursive: false,
      async *watch(_handle, _directory, _options, { signal }) {
        yield { kind: 'overflow' };
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
      },
    },
  };
  await using sandbox = await defineProvider(driver).create();
  const controller = new AbortController();
  const events = sandbox.files.watch('.', { signal: controller.signal })[Symbol.asyncIterator]();
  expect(await events.next()).toMatchObject({ value: { kind: 'overflow' } });
  const next = events.next();
  controller.abort();
  await expect(next).rejects.toMatchObject({ code: 'cancelled' });
  const limited = sandbox.files.watch('.', { timeoutMs: 20 })[Symbol.asyncIterator]();
  await limited.next();
  await expect(limited.next()).rejects.toMatchObject({ code: 'deadline-exceeded' });
});

test('provider operations without their capability are unsupported too', async () => {
  const provider = defineProvider(hostDriver());
  const ref = { spec: 'gantry-ref/1', provider: 'host', id: 'x' } as const;
  const snapshot = { ...ref, spec: 'gantry-native-snapshot/1', scope: 'workspace' } as const;
  const unsupported = { code: 'unsupported', provider: 'host' };
  await expect(provider.resume(ref)).rejects.toMatchObject(unsupported);
  await expect(provider.createFrom(snapshot)).rejects.toMatchObject(unsupported);
  await expect(provider.removeNativeSnapshot(snapshot)).rejects.toMatchObject(unsupported);
  await expect(provider.list()[Symbol.asyncIterator]().next()).rejects.toMatchObject(unsupported);
  expect(await provider.diagnose()).toEqual([]);
});

test('capabilities are plain JSON without functions, and overrides only narrow', async () => {
  const network = { modes: ['none', 'open'], live: true, set: async () => undefined } as const;
  const base = hostDriver();
  const provider = defineProvider({ ...base, network });
  expect(provider.capabilities.network).toEqual({ modes: ['none', 'open'], live: true });
  expect(JSON.parse(JSON.stringify(provider.capabilities))).toEqual(provider.capabilities);
  const narrowed = defineProvider({
    ...base,
    network,
    probe: async () => ({ network: { modes: ['none'] } }),
  });
  expect((await narrowed.probe()).network).toEqual({ modes: ['none'], live: true });
  const removed = defineProvider({ ...base, network, probe: async () => ({ network: false }) });
  expect((await removed.probe()).network).toBeUndefined();
  // What a wrapper or another override has taken away does not come back.
  const overrides = {
    fork: { maxPerCall: 3 },
    network: { modes: ['none', 'allow-list'], live: false },
    lifetime: { maxMs: 5_000 },
    limits: { memory: 'enforced', pids: 'none' },
  } as const;
  const lifetime = { extend: async () => 0, maxMs: 1_000 };
  const meeting = defineProvider({ ...base, network, lifetime, probe: async () => overrides });
  const met = await meeting.probe();
  expect(met.fork).toBeUndefined();
  expect(met.network).toEqual({ modes: ['none'], live: false });
  expect(met.lifetime).toEqual({ maxMs: 1_000 });
  expect(met.traits.limits).toEqual({ ...base.traits.limits, pids: 'none' });
  const otherwise = { network: { live: 'sometimes' as unknown as boolean } };
  const liar = defineProvider({ ...base, network, probe: async () => otherwise });
  await expect(liar.probe()).rejects.toMatchObject({
    code: 'internal',
    message: expect.stringContaining('network.live') as string,
  });
});

test('a value that is no driver is refused by name', () => {
  const driver = hostDriver();
  const wrong: readonly [object, string][] = [
    [{ ...driver, spec: 'gantry-driver/2' }, 'gantry-driver/2'],
    [{ ...driver, id: 'Not OK' }, 'Not OK'],
    [{ ...driver, spawn: undefined }, 'has no spawn()'],
    [Object.create(driver) as object, 'must be a plain object'],
    [{ ...driver, files: new URL('file:///') }, 'files must be a plain object'],
  ];
  for (const [value, message] of wrong) {
    expect(() => defineProvider(value as SandboxDriver)).toThrow(message);
  }
});

test('a ref survives storage, and a foreign or forged one never reaches the driver', async () => {
  const { wrapper, counts } = counting();
  const provider = defineProvider(hostDriver()).wrap(wrapper);
  const created = await provider.create();
  const stored = JSON.stringify(created.ref);
  await created.exec('echo kept > file');
  await using connected = await provider.connect(parseRef(stored));
  expect(await connected.files.readText('file')).toBe('kept\n');
  expect(await provider.inspect(created.ref)).toEqual({ state: 'running' });
  await provider.destroy(created.ref);
  await provider.destroy(created.ref);
  expect(await provider.inspect(created.ref)).toEqual({ state: 'gone' });
  await expect(provider.connect(created.ref)).rejects.toMatchObject({ code: 'not-found' });
  counts.reset();
  for (const forged of [
    { ...created.ref, provider: 'other' },
    { ...created.ref, id: '../../etc' },
    { ...created.ref, token: 'x' },
    'not json',
    null,
  ]) {
    await expect(provider.connect(forged as never)).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  }
  expect(counts.total()).toBe(0);
});

test('disposal destroys what was created and only releases what was connected to', async () => {
  const provider = defineProvider(hostDriver());
  const created = await provider.create();
  {
    await using connected = await provider.connect(created.ref);
    expect((await connected.exec('true')).ok).toBe(true);
  }
  expect((await provider.inspect(created.ref)).state).toBe('running');
  const restricted = created.restricted();
  expect(Object.keys(restricted).toSorted()).toEqual(['exec', 'files', 'spawn']);
  await created[Symbol.asyncDispose]();
  await created.destroy();
  expect((await provider.inspect(created.ref)).state).toBe('gone');
  const ended = { code: 'failed-precondition', details: { reason: 'destroyed' }, provider: 'host' };
  await expect(created.exec('true')).rejects.toMatchObject(ended);
  await expect(created.files.stat('.')).rejects.toMatchObject(ended);
  await expect(restricted.exec('true')).rejects.toMatchObject(ended);
});

test('whatever a driver throws becomes an error that says where', async () => {
  const thrown: readonly [unknown, string][] = [
    [new TypeError('boom'), 'unknown'],
    ['a string', 'unknown'],
    [Object.assign(new Error('full'), { code: 'ENOSPC' }), 'resource-exhausted'],
    [Object.assign(new Error('reset'), { code: 'ECONNRESET' }), 'unavailable'],
    [Object.assign(new Error('no entry'), { code: 'ENOENT' }), 'unknown'],
    [new SandboxError('resource-exhausted', 'quota', { retryAfterMs: 5 }), 'resource-exhausted'],
  ];
  for (const [error, code] of thrown) {
    const fail = faulty({ rules: [{ operation: 'inspect', fault: { kind: 'fail', error } }] });
    await using sandbox = await defineProvider(hostDriver()).wrap(fail).create();
    const caught: unknown = await sandbox.inspect().catch((reason: unknown) => reason);
    expect(SandboxError.is(caught)).toBe(true);
    expect(caught).toMatchObject({
      code,
      provider: 'host',
      operation: 'inspect',
      ref: sandbox.ref,
    });
    expect(JSON.parse(JSON.stringify(caught))).toMatchObject({ code, operation: 'inspect' });
  }
});

test('a create that fails says nothing of the secrets that were looked up for it, whoever repeats them', async () => {
  const exposed = 'exposed "value" 1';
  const driver = hostDriver();
  const manifest = {
    spec: 'gantry-manifest/1',
    secrets: { KEY: { from: 'vault:key', expose: 'acknowledged' } },
    setup: ['printf %s "$KEY" | base64; exit 3'],
  } as const;
  const told: string[] = [];
  const options = {
    ...{ manifest, secrets: () => exposed },
    onSecret: (reference: string, value: string) => void told.push(`${reference} ${value}`),
  };
  const vendor = defineProvider({
    ...driver,
    create: async ({ env }) => Promise.reject(new TypeError(`400: ${JSON.stringify(env)}`)),
  });
  const errors = [
    await vendor.create(options).catch((error: unknown) => error),
    await defineProvider(driver)
      .create(options)
      .catch((error: unknown) => error),
  ];
  expect(errors[0]).toMatchObject({ code: 'unknown', cause: { name: 'TypeError' } });
  for (const error of errors) {
    const text = inspect(error, { depth: Infinity });
    expect(text).toContain('[redacted:vault:key]');
    expect(text).not.toMatch(/exposed|ZXhwb3NlZCA/);
  }
  expect(told).toContain(`vault:key ${exposed}`);
});

test('an aborted create destroys what the driver makes late', async () => {
  const driver = hostDriver();
  const made: string[] = [];
  const slow: SandboxDriver = {
    ...(driver as unknown as SandboxDriver),
    async create(request, call) {
      await delay(300);
      const handle = await driver.create(request, call);
      made.push(handle.ref.id);
      return handle;
    },
  };
  const provider = defineProvider(slow);
  const signal = AbortSignal.timeout(50);
  await expect(provider.create({ signal })).rejects.toMatchObject({ code: 'cancelled' });
  await expect(provider.create({ timeoutMs: 50 })).rejects.toMatchObject({
    code: 'deadline-exceeded',
  });
  expect(made).toHaveLength(2);
  for (const id of made) {
    const status = await provider.inspect({ spec: 'gantry-ref/1', provider: 'host', id });
    expect(status.state).toBe('gone');
  }
});

test('a driver that hangs is given up on, five seconds after the abort', async () => {
  const hang = faulty({ rules: [{ operation: 'inspect', fault: { kind: 'hang' } }] });
  await using sandbox = await defineProvider(hostDriver()).wrap(hang).create();
  const begin = performance.now();
  await expect(sandbox.inspect({ timeoutMs: 100 })).rejects.toMatchObject({
    code: 'deadline-exceeded',
  });
  expect(performance.now() - begin).toBeLessThan(60_000);
});

test('wrappers count, trace and inject by plan', async () => {
  const events: TraceEvent[] = [];
  const plan = { rules: [{ operation: 'spawn', nth: 2, fault: { kind: 'fail-late' } }] } as const;
  const { wrapper, counts } = counting();
  const provider = defineProvider(hostDriver())
    .wrap(faulty(plan))
    .wrap(wrapper)
    .wrap(tracing((event) => events.push(event)));
  await using sandbox = await provider.create();
  await sandbox.exec('true');
  await expect(sandbox.exec('true')).rejects.toMatchObject({
    code: 'unavailable',
    outcome: 'unknown',
  });
  expect(counts.byOperation.get('spawn')).toBe(2);
  const phases = events.filter((event) => event.operation === 'spawn').map((event) => event.phase);
  expect(phases).toEqual(['start', 'success', 'start', 'failure']);
});

test('a link that is cut in mid-output is an error, never an exit code', async () => {
  const cut = faulty({
    rules: [{ operation: 'spawn', fault: { kind: 'truncate', afterBytes: 10 } }],
  });
  await using sandbox = await defineProvider(hostDriver()).wrap(cut).create();
  const error: unknown = await sandbox
    .exec('head -c 100000 /dev/zero')
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'unavailable', outcome: 'unknown', operation: 'exec' });
});

test('seeded faults repeat', async () => {
  const outcomes = async (): Promise<boolean[]> => {
    const rules = [{ operation: 'inspect', probability: 0.5, fault: { kind: 'fail' } }] as const;
    await using sandbox = await defineProvider(hostDriver())
      .wrap(faulty({ rules, seed: 7 }))
      .create();
    const results: boolean[] = [];
    for (let count = 0; count < 30; count++) {
      results.push(
        await sandbox.inspect().then(
          () => true,
          () => false,
        ),
      );
    }
    return results;
  };
  const first = await outcomes();
  expect(new Set(first).size).toBe(2);
  expect(await outcomes()).toEqual(first);
});
