import type { Sandbox } from '@gantry/core';
import { faulty, tracing } from '@gantry/core/testing';
import { must, type Check } from '../../check.ts';
import type { Interval } from '../../runner/assertions.ts';
import { captureCreates } from '../core/capture-driver.ts';

const count = 6;

/** Creates that are all in flight together; one settled result each. */
function createAll(make: () => Promise<Sandbox>): Promise<PromiseSettledResult<Sandbox>[]> {
  return Promise.allSettled(Array.from({ length: count }, () => make()));
}

export const fanOutChecks: readonly Check[] = [
  must(
    'fan-out/own-state',
    'fanout-own-state',
    'sandboxes made together are different, and each keeps its own state',
    async (t) => {
      const results = await createAll(() => t.create());
      const sandboxes = results.flatMap((result) =>
        result.status === 'fulfilled' ? [result.value] : [],
      );
      t.equal(sandboxes.length, count, 'sandboxes that came about');
      t.equal(new Set(sandboxes.map(({ ref }) => ref.id)).size, count, 'different ids');
      await Promise.all(
        sandboxes.map((sandbox, index) =>
          sandbox.exec(
            `echo ${index} > mine; export S=${index}; (while [ ! -e stop ]; do sleep 0.1; done; echo "$S" > late) >/dev/null 2>&1 &`,
          ),
        ),
      );
      const read = await Promise.all(sandboxes.map((sandbox) => sandbox.files.readText('mine')));
      t.equal(
        read,
        Array.from({ length: count }, (_, index) => `${index}\n`),
        'what each has of its own',
      );
      await sandboxes[2]?.destroy();
      await Promise.all(
        sandboxes
          .filter((_, index) => index !== 2)
          .map((sandbox) => sandbox.files.write('stop', '')),
      );
      for (const [index, sandbox] of sandboxes.entries()) {
        if (index === 2) continue;
        await t.eventually(
          t.limits.command,
          () => sandbox.files.exists('late'),
          `the process of sandbox ${index}, after a sibling was destroyed`,
        );
      }
    },
  ),
  must(
    'fan-out/overlap',
    'fanout-overlap',
    'creates overlap: one does not wait for another',
    async (t) => {
      const begun = new Map<number, number>();
      const intervals: Interval[] = [];
      const provider = t.provider.wrap(
        tracing(({ call, operation, phase, at }) => {
          if (operation !== 'create') return;
          if (phase === 'start') begun.set(call, at);
          else intervals.push({ from: begun.get(call) ?? at, to: at });
        }),
      );
      const sandboxes = await Promise.all(Array.from({ length: 3 }, () => t.create({}, provider)));
      t.equal(intervals.length, 3, 'creates that were seen');
      t.overlap(intervals, 'three creates');
      // Each waits for the others by way of the host: run one after the other, none would end.
      const seen = await Promise.all(
        sandboxes.map(async (sandbox): Promise<Interval> => {
          const from = performance.now();
          t.succeeded(await sandbox.exec('sleep 0.4; echo done'), 'a command in each');
          return { from, to: performance.now() };
        }),
      );
      t.overlap(seen, 'a command in each of three sandboxes');
    },
  ),
  must(
    'fan-out/order',
    'fanout-order',
    'results belong to their requests, whatever ends first',
    async (t) => {
      const words = Array.from({ length: count }, (_, index) => t.word(`branch-${index}`));
      const sandboxes = await Promise.all(
        words.map((word) =>
          t.create({
            manifest: {
              spec: 'gantry-manifest/1',
              env: { BRANCH: word },
              entries: { name: { type: 'file', text: word } },
            },
          }),
        ),
      );
      const results = await Promise.all(
        sandboxes.map((sandbox, index) =>
          sandbox.exec(`sleep 0.${count - index}; printf "%s" "$BRANCH"`),
        ),
      );
      t.equal(
        results.map(({ stdout }) => stdout.text),
        words,
        'environments, in the order of the requests',
      );
      t.equal(
        await Promise.all(sandboxes.map(({ files }) => files.readText('name'))),
        words,
        'files, in the order of the requests',
      );
    },
  ),
  must(
    'fan-out/failure-contained',
    'fanout-contained',
    'a create that fails takes no other with it',
    async (t) => {
      const captured = captureCreates();
      const rules = [{ operation: 'create', nth: 3, fault: { kind: 'fail' } }] as const;
      const provider = t.provider
        .wrap(captured.wrapper)
        .wrap(faulty({ rules, seed: t.state.seed }));
      const results = await createAll(() => t.create({}, provider));
      t.equal(
        results.map(({ status }) => status),
        ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
        'results',
      );
      const good = results.flatMap((result) =>
        result.status === 'fulfilled' ? [result.value] : [],
      );
      const said = await Promise.all(
        good.map(async (sandbox) => (await sandbox.exec('echo up')).stdout.text),
      );
      t.equal(
        said,
        Array.from({ length: count - 1 }, () => 'up\n'),
        'commands in the others',
      );
      t.equal(captured.refs.length, count - 1, 'sandboxes that the driver made');
    },
  ),
  must(
    'fan-out/abort',
    'fanout-abort',
    'an abort in the middle destroys all that came about',
    async (t) => {
      const captured = captureCreates();
      const control = new AbortController();
      const provider = t.provider.wrap((driver) => ({
        ...captured.wrapper(driver),
        async create(request, call) {
          const handle = await captured.wrapper(driver).create(request, call);
          if (captured.refs.length >= 2) control.abort();
          return handle;
        },
      }));
      const results = await createAll(() => t.create({ signal: control.signal }, provider));
      for (const ref of captured.refs) t.adopt(ref);
      const made = results.flatMap((result) =>
        result.status === 'fulfilled' ? [result.value] : [],
      );
      await Promise.all(made.map((sandbox) => sandbox.destroy()));
      t.ok(
        results.some(({ status }) => status === 'rejected'),
        'no create noticed the abort',
      );
      t.ok(captured.refs.length >= 2, 'the driver made no sandbox at all');
      for (const ref of captured.refs) {
        await t.eventually(
          t.limits.settle,
          async () => (await t.provider.inspect(ref)).state === 'gone',
          'the end of an aborted sandbox',
        );
      }
    },
  ),
  must(
    'fan-out/half-way',
    'fanout-abort',
    'creates that fail half-way leave nothing',
    async (t) => {
      const captured = captureCreates();
      const provider = t.provider.wrap(captured.wrapper);
      const results = await Promise.allSettled(
        Array.from({ length: count }, (_, index) =>
          t.create(
            {
              manifest: { spec: 'gantry-manifest/1', setup: [index % 2 === 0 ? 'true' : 'exit 3'] },
            },
            provider,
          ),
        ),
      );
      t.equal(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled', 'rejected'],
        'results',
      );
      const kept = new Set(
        results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.ref.id] : [])),
      );
      t.equal(captured.refs.length, count, 'sandboxes that the driver made');
      for (const ref of captured.refs) {
        const { state } = await t.provider.inspect(ref);
        t.equal(
          state,
          kept.has(ref.id) ? 'running' : 'gone',
          `state of ${kept.has(ref.id) ? 'a good' : 'a failed'} sandbox`,
        );
      }
    },
  ),
  must(
    'fan-out/many',
    'fanout-overlap',
    'twenty sandboxes live at once, and all go',
    async (t) => {
      const sandboxes = await Promise.all(Array.from({ length: 20 }, () => t.create()));
      const said = await Promise.all(
        sandboxes.map(
          async (sandbox, index) => (await sandbox.exec(['echo', String(index)])).stdout.text,
        ),
      );
      t.equal(
        said,
        sandboxes.map((_, index) => `${index}\n`),
        'what each said',
      );
      await Promise.all(sandboxes.map((sandbox) => sandbox.destroy()));
      const states = await Promise.all(
        sandboxes.map(async ({ ref }) => (await t.provider.inspect(ref)).state),
      );
      t.equal(new Set(states), new Set(['gone']), 'states after destroy');
    },
    { extraMs: 20_000 },
  ),
];
