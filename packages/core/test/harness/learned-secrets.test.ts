import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { defineProvider, SandboxError } from '../../src/driver.ts';
import type { OnSecret, SandboxDriver } from '../../src/driver.ts';
import type { Harness, RunFunction, RunOptions } from '../../src/harness.ts';
import type { Manifest } from '../../src/index.ts';
import { sharedHostDriver } from './shared-host-driver.ts';
import { testDirectory } from './temporary-journal.ts';
import { eventsOf, workshop } from './workshop.ts';

/** Secrets that change, and a provider that brokers them: it looks them up for each command, as a proxy does for each request. */
function vault() {
  const current = { value: 'first/value+with=signs' };
  const directory = testDirectory();
  const file = path.join(directory, 'exposed');
  const exposed = 'exposed "value" of a file';
  writeFileSync(file, `${exposed}\n`);
  chmodSync(file, 0o600);
  const driver = sharedHostDriver(path.join(directory, 'sandboxes'));
  const tell = new Map<string, OnSecret | undefined>();
  const made: string[] = [];
  const lookUp = (id: string): void => tell.get(id)?.('vault:KEY', current.value);
  const brokering: SandboxDriver = {
    ...driver,
    secrets: { inject: ['placeholder'] },
    async create(request, call) {
      tell.set(request.id, call.onSecret);
      // Told by the resolver alone: core puts it there.
      if (request.secrets) await request.secretResolver?.('vault:KEY');
      made.push(request.id);
      return driver.create(request, call);
    },
    async connect(ref, call) {
      tell.set(ref.id, call.onSecret);
      lookUp(ref.id);
      return driver.connect(ref, call);
    },
    async spawn(handle, command, call) {
      lookUp(handle.ref.id);
      if (command.argv.includes('vendor')) {
        const cause = Object.assign(new Error(`401 for ${current.value}`), {
          request: { headers: { authorization: `Bearer ${current.value}` } },
        });
        const message = `the vendor refused "Bearer ${current.value}"`;
        throw new SandboxError('internal', message, { details: { sent: current.value }, cause });
      }
      return driver.spawn(handle, command, call);
    },
  };
  const manifest: Manifest = {
    spec: 'gantry-manifest/1',
    secrets: {
      KEY: { from: 'vault:KEY', hosts: ['api.test'] },
      SHOWN: { from: `file:${file}`, expose: 'acknowledged' },
    },
  };
  const sandbox = { manifest, secrets: () => current.value };
  return { current, exposed, made, sandbox, providers: { shared: defineProvider(brokering) } };
}

/** Everything that a run's journal says. */
async function journalText(harness: Harness, run: string): Promise<string> {
  const events = await eventsOf(harness, run);
  const bodies = await Promise.all(events.map(({ sequence }) => harness.body(run, sequence)));
  return JSON.stringify([events, bodies]);
}

function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const base64 = ['', 'x', 'xy'].map((before) =>
    Buffer.from(`${before}${value}zz`).toString('base64'),
  );
  return [
    value,
    JSON.stringify(value),
    encodeURIComponent(value),
    bytes.toString('hex'),
    ...base64,
  ];
}

/** What is left of a form when nothing of the secret is to be seen, whatever stood beside it. */
function seen(text: string, value: string): readonly string[] {
  return formsOf(value).filter((form) => text.includes(JSON.stringify(form).slice(4, -6)));
}

// Proves: harness-redacted
test('secrets of a manifest are learned when they are looked up, also after a rotation and by the next process', async () => {
  const { current, exposed, sandbox, providers } = vault();
  const { harness, again, journal } = workshop({ providers });
  const asleep = Promise.withResolvers<void>();
  const wake = Promise.withResolvers<void>();
  const values = [current.value];
  const ids = new Set<string>();
  const work =
    (first: boolean): RunFunction<readonly string[]> =>
    async (run) => {
      const step = (name: string): Promise<readonly string[]> =>
        run.step(name, async () => {
          ids.add((await run.sandbox.ref()).id);
          const said = [exposed, ...values].flatMap(formsOf);
          await run.sandbox.exec(['true', ...said]);
          return said;
        });
      await step('one');
      if (first) {
        current.value = 'second-value-of-the-key';
        values.push(current.value);
      }
      await step('two');
      if (first) {
        asleep.resolve();
        await wake.promise;
      }
      return step('three');
    };
  const options: RunOptions = { id: 'job-1', sandbox };
  const sleeper = harness.run('job', options, work(true));
  await asleep.promise;
  // Another process takes over, which knows what it looks up itself.
  const epoch = (await journal.find('job-1'))?.claim?.epoch ?? 0;
  const claim = await journal.claim('job-1', { owner: 'other', ttlMs: 1, over: epoch });
  await journal.unclaim('job-1', claim.epoch);
  const learned = [exposed, ...values];
  current.value = 'third-value-of-the-key';
  values.splice(0, 2, current.value);
  const { value } = (await again().run('job', options, work(false))) as { value?: unknown };
  wake.resolve();
  await expect(sleeper).rejects.toMatchObject({ code: 'aborted' });
  // It went on in the same sandbox, so that nothing was looked up by making one.
  expect(ids.size).toBe(1);
  const text = await journalText(harness, 'job-1');
  for (const secret of [...learned, ...values]) expect(seen(text, secret), secret).toEqual([]);
  expect(text).toContain('[redacted:vault:KEY]');
  expect(JSON.stringify(value)).toContain('[redacted:vault:KEY]');
});

test('what a vendor repeats of a secret is in no error that the harness throws', async () => {
  const { current, sandbox, providers } = vault();
  const { harness } = workshop({ providers });
  const caught: unknown[] = [];
  const failing = harness.run('job', { id: 'job-1', sandbox }, async (run) => {
    await run
      .step('caught', async () => {
        await run.sandbox.exec('true');
        caught.push(await run.sandbox.exec(['vendor']).catch((error: unknown) => error));
        caught.push(
          await run.sandbox.files.list('/workspace/none').catch((error: unknown) => error),
        );
        await run.sandbox.exec(['vendor']);
      })
      .catch((error: unknown) => caught.push(error));
    throw Object.assign(new TypeError(`told ${current.value}`), { sent: [current.value] });
  });
  caught.push(await failing.catch((error: unknown) => error));
  const [vendor, missing, step, run] = caught;
  expect(vendor).toMatchObject({
    code: 'internal',
    message: 'the vendor refused "Bearer [redacted:vault:KEY]"',
    details: { sent: '[redacted:vault:KEY]' },
    cause: { message: '401 for [redacted:vault:KEY]' },
  });
  expect(missing).toMatchObject({ code: 'not-found' });
  expect(step).toMatchObject({ code: 'internal', operation: 'step caught' });
  expect(run).toMatchObject({ name: 'SandboxError', cause: { name: 'TypeError' } });
  for (const error of caught) {
    const text = inspect(error, { depth: Infinity, showHidden: true });
    expect(seen(JSON.stringify(text), current.value)).toEqual([]);
  }
  expect(seen(await journalText(harness, 'job-1'), current.value)).toEqual([]);
});

test('a checkpoint and what a branch keeps refuse a learned secret in any form, unless it is acknowledged', async () => {
  const { exposed, sandbox, providers, current } = vault();
  const { harness } = workshop({ providers });
  const password = Buffer.from(`user:${current.value}`).toString('base64');
  const config = `[http]\n\textraHeader = Authorization: Basic ${password}\n`;
  const work: RunFunction<unknown> = (run) =>
    run.step('write', () => run.sandbox.files.write('.git/config', config));
  const refused = {
    code: 'failed-precondition',
    details: { reason: 'secret', path: '.git/config' },
  };
  await expect(harness.run('job', { sandbox }, work)).rejects.toMatchObject(refused);
  const run = { sandbox, acknowledgeSecrets: true };
  await expect(harness.run('job', run, work)).resolves.toMatchObject({ status: 'finished' });
  const branches: RunFunction<unknown> = async (outer) => {
    const [result] = await outer.fanOut(
      'keep',
      [exposed],
      (branch, text) =>
        branch.step('write', () =>
          branch.sandbox.files.write('.env', `SHOWN=${encodeURIComponent(text)}`),
        ),
      { keep: 'snapshot' },
    );
    return result?.status === 'rejected' ? result.reason.message : result?.status;
  };
  const outcome = await harness.run('branches', { sandbox }, branches);
  expect('value' in outcome && outcome.value).toMatch(/^\.env holds a known secret/);
});

test('secrets of a sandbox that was warm are known to the run that gets it', async () => {
  const { exposed, sandbox, providers, made } = vault();
  const { harness } = workshop({ providers, pool: { min: 1 } });
  const work: RunFunction<readonly string[]> = (run) =>
    run.step('say', async () => [(await run.sandbox.ref()).id, exposed]);
  const warmText = async (): Promise<string | undefined> => {
    const before = new Set(made);
    const outcome = await harness.run('job', { sandbox }, work);
    const [id = '', text] = outcome.status === 'finished' ? outcome.value : [];
    return before.has(id) ? text : undefined;
  };
  // The first finds nothing warm; so may others, until what is being made is there.
  await expect.poll(warmText, { timeout: 30_000 }).toMatch(/^\[redacted:file:/);
  await harness.close();
});
