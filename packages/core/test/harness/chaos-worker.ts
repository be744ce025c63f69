import { appendFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createHarness, fileSigner, sqliteJournal } from '../../src/harness.ts';
import type { Run } from '../../src/harness.ts';
import { defineProvider } from '../../src/driver.ts';
import { directoryStore } from '../../src/node.ts';
import { SandboxError } from '../../src/index.ts';
import { forwardDriver } from '../../src/wrappers/forward-driver.ts';
import { endSandbox, sandboxesOf, sharedHostDriver } from './shared-host-driver.ts';

/** What happens at one operation of the worker, counted from 1; before it or after it. */
export interface ChaosPoint {
  readonly operation: number;
  readonly when: 'before' | 'after';
  readonly what: 'kill' | 'end sandboxes' | 'both' | 'out of reach';
}

/** What the worker is told, as JSON in its first argument. */
export interface ChaosPlan {
  readonly directory: string;
  readonly steps: number;
  readonly branches: number;
  readonly everySteps: number;
  readonly points: readonly ChaosPoint[];
}

const plan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ChaosPlan;
const root = path.join(plan.directory, 'sandboxes');
let operations = 0;
/** Driver calls that fail before the provider is in reach again. */
let outOfReach = 0;

function happen(when: ChaosPoint['when'], operation: number): void {
  for (const point of plan.points) {
    if (point.operation !== operation || point.when !== when) continue;
    if (point.what === 'out of reach') outOfReach = 4;
    if (point.what === 'end sandboxes' || point.what === 'both')
      for (const sandbox of sandboxesOf(root)) endSandbox(root, sandbox);
    if (point.what === 'kill' || point.what === 'both') process.kill(process.pid, 'SIGKILL');
  }
}

async function counted<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  const operation = ++operations;
  happen('before', operation);
  const result = await work();
  happen('after', operation);
  return result;
}

/** The same object, whose asynchronous methods are operations. */
function instrumented<Target extends object>(target: Target, names: readonly string[]): Target {
  return new Proxy(target, {
    get(object, property) {
      const value: unknown = Reflect.get(object, property);
      if (typeof value !== 'function') return value;
      if (!names.includes(String(property))) return value.bind(object) as unknown;
      return (...args: unknown[]) => counted(() => Reflect.apply(value, object, args) as unknown);
    },
  });
}

const driver = forwardDriver(sharedHostDriver(root), ({ operation, proceed }) => {
  if (operation === 'inventory.list' || operation === 'release') return proceed();
  return counted(() => {
    if (outOfReach > 0) {
      outOfReach -= 1;
      throw new SandboxError('unavailable', 'out of reach', { outcome: 'not-started' });
    }
    return proceed();
  });
});
const sqlite = sqliteJournal(path.join(plan.directory, 'journal'));
const journal = instrumented(sqlite, ['create', 'claim', 'append', 'unclaim']);
const leases = instrumented(sqlite.leases, ['acquire', 'renew', 'release', 'fence']);
const store = instrumented(directoryStore(path.join(plan.directory, 'store')), ['put', 'get']);
const signer = await fileSigner(path.join(plan.directory, 'signer'));
const provider = defineProvider(driver);
const harness = createHarness({ journal, leases, store, signer, providers: { shared: provider } });

/** One line outside of every sandbox for each time that a step really ran. */
function ran(what: string): void {
  appendFileSync(path.join(plan.directory, 'ran'), `${what}\n`);
}

async function work(run: Run): Promise<unknown> {
  const half = Math.floor(plan.steps / 2);
  const add = (index: number): Promise<number> =>
    run.step(`add ${index}`, async () => {
      ran(`add ${index}`);
      // Wrong at once if anything ran twice on one workspace, or on another one.
      const { exit, stderr } = await run.sandbox.exec(
        `set -e; touch log; [ "$(wc -l < log)" -eq ${index} ]; echo ${index} >> log; mkdir -p d; echo ${index} > d/${index}`,
      );
      if (exit.code !== 0) throw new Error(`step ${index}: ${JSON.stringify(exit)} ${stderr.text}`);
      return index;
    });
  for (let index = 0; index < half; index++) await add(index);
  const results = await run.fanOut(
    'squares',
    Array.from({ length: plan.branches }, (_, index) => index),
    (branch, item) =>
      branch.step('square', async () => {
        ran(`square ${item}`);
        const { stdout, ok } = await branch.sandbox.exec(
          `cat log >/dev/null && echo $((${item} * ${item}))`,
        );
        if (!ok) throw new Error(`no log in branch ${item}`);
        return Number(stdout.text);
      }),
    { from: 'workspace', concurrency: 2, attempts: 10 },
  );
  const decided = await run.decide('sum', { branches: plan.branches }, () => 'all');
  for (let index = half; index < plan.steps; index++) await add(index);
  const log = await run.step('read', async () => {
    const { stdout, ok } = await run.sandbox.exec('cat log; cat d/* | sort -n');
    if (!ok) throw new Error('the log cannot be read');
    return stdout.text;
  });
  const squares = results.map((result) =>
    result.status === 'fulfilled' ? result.value : String(result.reason),
  );
  return { log, squares, decided };
}

const outcome = await harness.run(
  'chaos',
  { id: 'chaos', checkpoint: { everySteps: plan.everySteps } },
  work,
);
process.stdout.write(`${JSON.stringify({ outcome, operations })}\n`);
await sqlite.close();
