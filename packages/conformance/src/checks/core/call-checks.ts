import { parseRef } from '@gantry/core';
import { counting, faulty } from '@gantry/core/testing';
import { must, type Check } from '../../check.ts';
import { variableOf } from '../variable-of.ts';

export const callChecks: readonly Check[] = [
  must('core/ref-json', 'ref-json', 'a ref survives being stored, sent and parsed', async (t) => {
    const sandbox = await t.create();
    const text = JSON.stringify(sandbox.ref);
    t.equal(JSON.parse(text), sandbox.ref, 'the ref after JSON');
    t.equal(sandbox.ref.spec, 'gantry-ref/1', 'spec');
    t.equal(sandbox.ref.provider, t.provider.id, 'provider');
    t.equal(parseRef(text), sandbox.ref, 'the ref as parseRef reads it');
    const again = await t.provider.connect(parseRef(text));
    t.equal((await again.exec('echo same')).stdout.text, 'same\n', 'a command by the parsed ref');
    await again.release();
  }),
  must(
    'core/ref-no-secret',
    'ref-no-secret',
    'no secret of the environment shows in refs, receipts and errors',
    async (t) => {
      const secret = t.word('canary');
      const env = { GANTRY_SECRET_TOKEN: secret };
      const entries = { note: { type: 'file', text: 'hello' } } as const;
      const sandbox = await t.create({ manifest: { spec: 'gantry-manifest/1', env, entries } });
      t.equal(
        (await sandbox.exec(variableOf('GANTRY_SECRET_TOKEN'))).stdout.text,
        `${secret}\n`,
        'the secret, where it belongs',
      );
      const error = await t.rejects(
        'failed-precondition',
        () => sandbox.exec('true', { cwd: '/workspace/no' }),
        'exec',
      );
      const told = [
        sandbox.ref,
        sandbox.receipt,
        sandbox.capabilities,
        error,
        error.message,
        await sandbox.inspect(),
      ];
      t.ok(
        !JSON.stringify(told).includes(secret),
        'the secret is in a ref, receipt, status or error',
      );
      t.ok(!/https?:|file:|:\/\//.test(JSON.stringify(sandbox.ref)), 'the ref holds a URL');
    },
  ),
  must(
    'core/ref-checked',
    'ref-checked',
    'a ref that is malformed or of another provider never reaches the driver',
    async (t) => {
      const sandbox = await t.create();
      const { provider, counts } = t.counted();
      const bad: readonly unknown[] = [
        { ...sandbox.ref, provider: 'someone-else' },
        { ...sandbox.ref, id: '../../etc/passwd' },
        { ...sandbox.ref, id: '' },
        { ...sandbox.ref, load: './evil.mjs' },
        { id: sandbox.ref.id },
        null,
      ];
      for (const value of bad) {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- untrusted on purpose
        const ref = value as typeof sandbox.ref;
        const what = JSON.stringify(value);
        await t.rejects('invalid-argument', () => provider.connect(ref), `connect to ${what}`);
        await t.rejects('invalid-argument', () => provider.inspect(ref), `inspect of ${what}`);
        await t.rejects('invalid-argument', () => provider.destroy(ref), `destroy of ${what}`);
      }
      t.equal(counts.total(), 0, 'calls of the driver for bad refs');
      t.equal((await provider.inspect(sandbox.ref)).state, 'running', 'state by the good ref');
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'the sandbox afterwards');
    },
  ),
  must(
    'core/call-abort',
    'call-abort',
    'an abort rejects with cancelled, promptly, and stops the work',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const control = new AbortController();
      const line =
        'touch begun; i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo $i > beat; sleep 0.05; done; touch finished';
      const running = sandbox.exec(line, { cwd: directory, signal: control.signal });
      running.catch(() => undefined);
      await t.eventually(
        t.limits.command,
        () => sandbox.files.exists(`${directory}/beat`),
        'the start of the command',
      );
      control.abort();
      await t.rejects(
        'cancelled',
        t.promptly(t.limits.prompt, running, 'the aborted exec'),
        'exec',
      );
      const beat = await sandbox.files.readText(`${directory}/beat`);
      await new Promise((resolve) => setTimeout(resolve, t.limits.quiet));
      t.equal(
        await sandbox.files.readText(`${directory}/beat`),
        beat,
        'its heart-beat after the abort',
      );
    },
  ),
  must(
    'core/call-deadline',
    'call-deadline',
    'an operation past its timeoutMs rejects with deadline-exceeded',
    async (t) => {
      const rules = [
        { operation: 'inspect', fault: { kind: 'hang' } },
        { operation: 'connect', fault: { kind: 'hang' } },
      ] as const;
      const sandbox = await t.create();
      const provider = t.provider.wrap(faulty({ rules, seed: t.state.seed }));
      await Promise.all([
        t.rejects(
          'deadline-exceeded',
          () => provider.inspect(sandbox.ref, { timeoutMs: 50 }),
          'inspect',
        ),
        t.rejects(
          'deadline-exceeded',
          () => provider.connect(sandbox.ref, { timeoutMs: 50 }),
          'connect',
        ),
        t.rejects('deadline-exceeded', () => sandbox.exec('sleep 20', { timeoutMs: 300 }), 'exec'),
      ]);
      t.equal(
        (await sandbox.exec('echo on', { timeoutMs: t.limits.command })).stdout.text,
        'on\n',
        'a command in time',
      );
    },
  ),
  must(
    'core/call-already-aborted',
    'call-already-aborted',
    'a signal aborted before the call prevents any call to the driver',
    async (t) => {
      const { wrapper, counts } = counting();
      const provider = t.provider.wrap(wrapper);
      const sandbox = await t.create({}, provider);
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command with no signal');
      counts.reset();
      const signal = AbortSignal.abort();
      const { ref } = sandbox;
      await t.rejects('cancelled', () => t.create({ signal }, provider), 'create');
      await t.rejects('cancelled', () => sandbox.exec('touch ran', { signal }), 'exec');
      await t.rejects(
        'cancelled',
        () => sandbox.files.write('ran', 'x', { signal }),
        'files.write',
      );
      await t.rejects('cancelled', () => provider.inspect(ref, { signal }), 'inspect');
      await t.rejects('cancelled', () => provider.connect(ref, { signal }), 'connect');
      await t.rejects('cancelled', () => provider.destroy(ref, { signal }), 'destroy');
      t.equal(counts.total(), 0, 'calls of the driver');
      t.equal(await sandbox.files.exists('ran'), false, 'whether anything ran');
    },
  ),
  must(
    'core/capabilities-json',
    'capability-json',
    'capabilities are plain JSON and say the same everywhere',
    async (t) => {
      const sandbox = await t.create();
      const declared = t.provider.capabilities;
      t.equal(JSON.parse(JSON.stringify(declared)), declared, 'capabilities after JSON');
      const probed = await t.provider.probe();
      for (const name of Object.keys(probed)) t.ok(name in declared, `probe adds ${name}`);
      for (const name of Object.keys(sandbox.capabilities))
        t.ok(name in declared, `the sandbox adds ${name}`);
      t.equal(
        sandbox.capabilities.traits.isolation,
        declared.traits.isolation,
        'isolation of the sandbox',
      );
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command');
    },
  ),
  must(
    'core/capability-narrow',
    'capability-narrow',
    'a sandbox narrows capabilities, and cannot widen them',
    async (t) => {
      const widened = t.provider.wrap((driver) => {
        const { metrics: _left, ...rest } = driver;
        return {
          ...rest,
          create: async (request, call) => ({
            ...(await driver.create(request, call)),
            narrowed: { metrics: {}, privilege: { modes: ['none', 'guest-root'] } },
          }),
        };
      });
      const wide = await t.create({}, widened);
      const { privilege } = t.capabilities;
      t.equal(wide.capabilities.metrics, undefined, 'a capability that the driver has not');
      t.equal(wide.capabilities.privilege, privilege, 'a limit of what the driver declares');
      await t.rejects('unsupported', () => wide.metrics(), 'metrics');
      const narrowed = t.provider.wrap((driver) => ({
        ...driver,
        create: async (request, call) => ({
          ...(await driver.create(request, call)),
          narrowed: { terminal: false, inventory: false },
        }),
      }));
      const wanted = t.capabilities.terminal && t.capabilities.inventory;
      if (!wanted) return;
      const sandbox = await t.create({}, narrowed);
      t.equal(sandbox.capabilities.terminal, undefined, 'the capability that was taken away');
      await t.rejects('unsupported', () => sandbox.terminal(), 'terminal');
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command');
    },
  ),
  must(
    'core/error-one-class',
    'error-one-class',
    'whatever a driver throws becomes a SandboxError with its cause',
    async (t) => {
      const thrown = [new TypeError('a bug'), 'a string', undefined, { code: 'EWHAT' }];
      for (const cause of thrown) {
        const provider = t.provider.wrap((driver) => ({
          ...driver,
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- bad drivers reject with anything
          inspect: () => Promise.reject(cause),
        }));
        const sandbox = await t.create({}, provider);
        const error = await t.rejects(
          'unknown',
          () => sandbox.inspect(),
          'inspect of a bad driver',
        );
        t.equal(error.cause, cause, 'cause');
        t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command');
      }
    },
  ),
  must(
    'core/error-context',
    'error-context',
    'an error names provider, operation and sandbox',
    async (t) => {
      const { sandbox, directory } = await t.shared();
      const error = await t.rejects(
        'not-found',
        () => sandbox.files.readText(`${directory}/none`),
        'reading what is not there',
      );
      t.equal(error.provider, t.provider.id, 'provider');
      t.match(error.operation ?? '', /^files\.read/, 'operation');
      t.equal(error.ref, sandbox.ref, 'ref');
      t.match(String(error.details['path']), /none$/, 'details.path');
      t.equal(error.outcome, 'not-started', 'outcome');
    },
  ),
  must(
    'core/error-retry',
    'error-retry',
    'core does not repeat what may have happened',
    async (t) => {
      const { wrapper, counts } = counting();
      const rules = [{ operation: 'spawn', nth: 1, fault: { kind: 'fail-late' } }] as const;
      const counted = t.provider.wrap(faulty({ rules, seed: t.state.seed })).wrap(wrapper);
      const sandbox = await t.create({}, counted);
      counts.reset();
      const error = await t.rejects(
        'unavailable',
        () => sandbox.exec('echo once >> log'),
        'a command whose answer is lost',
      );
      t.equal(error.outcome, 'unknown', 'outcome');
      t.equal(counts.byOperation.get('spawn'), 1, 'calls of spawn');
      await t.eventually(
        t.limits.command,
        () => sandbox.files.exists('log'),
        'the effect of the command',
      );
      t.equal(await sandbox.files.readText('log'), 'once\n', 'how often it ran');
    },
  ),
];
