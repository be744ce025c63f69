import type { Provider } from '@gantry/core';
import { faulty, type Fault } from '@gantry/core/testing';
import { must, type Check } from '../../check.ts';
import type { CheckContext } from '../../runner/check-context.ts';
import { captureCreates } from '../core/capture-driver.ts';

function withFault(t: CheckContext, operation: string, fault: Fault, nth = 1): Provider {
  return t.provider.wrap(faulty({ rules: [{ operation, fault, nth }], seed: t.state.seed }));
}

export const faultChecks: readonly Check[] = [
  must(
    'faults/create-fails',
    'fault-typed',
    'a create that the provider refuses rejects with its error',
    async (t) => {
      const provider = withFault(t, 'create', { kind: 'fail' });
      const error = await t.rejects('unavailable', () => t.create({}, provider), 'create');
      t.equal(
        [error.outcome, error.retryable, error.provider],
        ['not-started', true, t.provider.id],
        'outcome, retryable and provider',
      );
      const sandbox = await t.create({}, provider);
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'the next create');
    },
  ),
  must(
    'faults/create-hangs',
    'fault-hang',
    'a create that never answers ends at its deadline',
    async (t) => {
      const provider = withFault(t, 'create', { kind: 'hang' });
      const hanging = t.create({ timeoutMs: 200 }, provider);
      await t.rejects(
        'deadline-exceeded',
        t.promptly(200 + 5_000 + t.limits.prompt, hanging, 'create'),
        'create',
      );
      const sandbox = await t.create({}, provider);
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'the next create');
    },
    { extraMs: 6_000 },
  ),
  must(
    'faults/create-late',
    'fault-late',
    'a create that completes after its deadline leaves nothing',
    async (t) => {
      const captured = captureCreates();
      const provider = t.provider.wrap((driver) => ({
        ...captured.wrapper(driver),
        async create(request, call) {
          const handle = await captured
            .wrapper(driver)
            .create(request, { ...call, signal: new AbortController().signal });
          await new Promise((resolve) => setTimeout(resolve, 400));
          return handle;
        },
      }));
      await t.rejects('deadline-exceeded', () => t.create({ timeoutMs: 200 }, provider), 'create');
      // The driver has no word in when it is given up on, so it may still be at work.
      const made = (): boolean => captured.refs.length === 1;
      await t.eventually(t.limits.settle, made, 'the driver making a sandbox all the same');
      for (const ref of captured.refs) {
        t.adopt(ref);
        await t.eventually(
          t.limits.settle,
          async () => (await t.provider.inspect(ref)).state === 'gone',
          'the end of the late sandbox',
        );
      }
    },
  ),
  must(
    'faults/spawn-fails',
    'fault-typed',
    'a command that could not be started is an error, and the next one runs',
    async (t) => {
      const sandbox = await t.create({}, withFault(t, 'spawn', { kind: 'fail' }));
      const error = await t.rejects('unavailable', () => sandbox.exec('touch ran'), 'exec');
      t.equal(error.outcome, 'not-started', 'outcome');
      t.equal(await sandbox.files.exists('ran'), false, 'whether it ran');
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'the next command');
    },
  ),
  must(
    'faults/spawn-hangs',
    'fault-hang',
    'a command that never starts ends at its deadline, and others run meanwhile',
    async (t) => {
      const sandbox = await t.create({}, withFault(t, 'spawn', { kind: 'hang' }));
      const hanging = sandbox.exec('echo never', { timeoutMs: 300 });
      hanging.catch(() => undefined);
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'a command meanwhile');
      await t.rejects(
        'deadline-exceeded',
        t.promptly(300 + 5_000 + t.limits.prompt, hanging, 'exec'),
        'exec',
      );
    },
    { extraMs: 6_000 },
  ),
  must(
    'faults/output-truncated',
    'fault-truncated',
    'output that breaks off is an error, never a result',
    async (t) => {
      const sandbox = await t.create(
        {},
        withFault(t, 'spawn', { kind: 'truncate', afterBytes: 1_000 }),
      );
      const error = await t.rejects(
        'unavailable',
        () => sandbox.exec('head -c 100000 /dev/zero; sleep 20'),
        'exec',
      );
      t.equal(error.outcome, 'unknown', 'outcome');
      t.equal((await sandbox.exec('echo on')).stdout.text, 'on\n', 'the next command');
    },
  ),
  must(
    'faults/read-truncated',
    'fault-truncated',
    'a file whose bytes break off is never read as if whole',
    async (t) => {
      const { sandbox: shared, directory } = await t.shared();
      await shared.files.write(`${directory}/file`, new Uint8Array(100_000).fill(65));
      const broken = t.provider
        .wrap(({ files: _native, ...driver }) => driver)
        .wrap(
          faulty({
            rules: [{ operation: 'spawn', nth: 1, fault: { kind: 'truncate', afterBytes: 1_000 } }],
            seed: t.state.seed,
          }),
        );
      const sandbox = await broken.connect(shared.ref);
      await t.rejects(
        ['unavailable', 'data-loss', 'unknown'],
        () => sandbox.files.readBytes(`${directory}/file`),
        'readBytes',
      );
      t.equal(
        (await sandbox.files.readBytes(`${directory}/file`)).length,
        100_000,
        'bytes of the next read',
      );
      await sandbox.release();
    },
  ),
  must(
    'faults/destroy-hangs',
    'fault-hang',
    'a destroy that never answers ends at its deadline and can be repeated',
    async (t) => {
      const provider = withFault(t, 'destroy', { kind: 'hang' });
      const sandbox = await t.create({}, provider);
      const hanging = sandbox.destroy({ timeoutMs: 200 });
      await t.rejects(
        'deadline-exceeded',
        t.promptly(200 + 5_000 + t.limits.prompt, hanging, 'destroy'),
        'destroy',
      );
      t.equal((await t.provider.inspect(sandbox.ref)).state, 'running', 'state after it');
      await sandbox.destroy();
      t.equal((await t.provider.inspect(sandbox.ref)).state, 'gone', 'state after the second try');
    },
    { extraMs: 6_000 },
  ),
  must(
    'faults/destroy-answer-lost',
    'fault-late',
    'a destroy whose answer is lost is an error, and the next one finds it done',
    async (t) => {
      const provider = withFault(t, 'destroy', { kind: 'fail-late' });
      const sandbox = await t.create({}, provider);
      const error = await t.rejects('unavailable', () => sandbox.destroy(), 'destroy');
      t.equal(error.outcome, 'unknown', 'outcome');
      await sandbox.destroy();
      t.equal((await t.provider.inspect(sandbox.ref)).state, 'gone', 'state');
    },
  ),
  must('faults/slow-link', 'fault-slow', 'a slow link changes no result', async (t) => {
    const rules = [
      { operation: 'spawn', probability: 0.5, fault: { kind: 'delay', milliseconds: 40 } },
    ] as const;
    const sandbox = await t.create({}, t.provider.wrap(faulty({ rules, seed: t.state.seed })));
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, index) => sandbox.exec(`echo ${index}; exit ${index}`)),
    );
    t.equal(
      results.map(({ stdout, exit }) => [stdout.text, exit.code]),
      results.map((_, index) => [`${index}\n`, index]),
      'results, in order',
    );
    await sandbox.files.write('file', 'slow');
    t.equal(await sandbox.files.readText('file'), 'slow', 'a file');
  }),
  must(
    'faults/gone-in-between',
    'fault-gone',
    'a sandbox that was destroyed by someone else is not-found, never a fresh one',
    async (t) => {
      const sandbox = await t.create();
      await sandbox.files.write('file', 'x');
      await t.provider.destroy(sandbox.ref);
      await t.rejects(
        ['not-found', 'failed-precondition', 'unavailable'],
        () => t.promptly(t.limits.prompt, sandbox.exec('echo on'), 'exec'),
        'exec',
      );
      await t.rejects(
        ['not-found', 'failed-precondition', 'unavailable'],
        () => t.promptly(t.limits.prompt, sandbox.files.readText('file'), 'read'),
        'files.readText',
      );
      const error = await t.promptly(
        t.limits.prompt,
        sandbox.files.exists('file').catch((reason: unknown) => reason),
        'exists',
      );
      t.ok(error instanceof Error, 'exists answered for a sandbox that is gone');
      t.equal((await t.provider.inspect(sandbox.ref)).state, 'gone', 'state');
    },
  ),
  must(
    'faults/gone-meanwhile',
    'fault-gone',
    'a command whose sandbox goes away ends with an error or an unknown exit',
    async (t) => {
      const sandbox = await t.create();
      const running = sandbox.exec('touch begun; sleep 30; echo made-it');
      running.catch(() => undefined);
      await t.eventually(
        t.limits.command,
        () => sandbox.files.exists('begun'),
        'the start of the command',
      );
      await t.provider.destroy(sandbox.ref);
      const [settled] = await t.promptly(
        t.limits.prompt * 2,
        Promise.allSettled([running]),
        'the command',
      );
      if (settled?.status === 'fulfilled') {
        t.ok(settled.value.exit.code !== 0, 'it reads as a success');
        t.ok(!settled.value.stdout.text.includes('made-it'), 'it says that it came to its end');
        return;
      }
      await t.rejects(['unavailable', 'not-found', 'aborted'], running, 'exec');
    },
  ),
];
