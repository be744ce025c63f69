import { SandboxError } from '../../errors/sandbox-error.ts';
import { asJson } from '../run/json-value.ts';
import type { FanOutStarter } from '../run/live-run.ts';
import { currentFrame } from '../run/scope.ts';
import type { BranchBase } from '../run/run-state.ts';
import { branchResult, parseBranchRecord } from './branch-record.ts';
import type { FanOutContext } from './fan-out-context.ts';
import type { FanOutOptions } from './fan-out-types.ts';
import { ForkSource } from './fork-source.ts';
import { FanOut } from './fan-out.ts';

/** What a harness brings to every fan-out. */
export type FanOutResources = Omit<FanOutContext, 'pass' | 'name' | 'place' | 'base' | 'forks'>;

/** Starts fan-outs as recorded calls of a run: once all branches are recorded, none runs again. */
export function fanOutStarter(resources: FanOutResources): FanOutStarter {
  return async (run, name, items, work, options) => {
    checkOptions(options, items.length);
    const records = await run.scope.call({
      name,
      kind: 'fan-out',
      effects: 'none',
      inputs: { items: items.length },
      schema: { parse: (value) => asRecords(value) },
      work: async () => {
        const { pass } = run;
        const place = `${currentFrame()?.place.slice(1) ?? ''}:${name}`;
        const base = pass.state.bases.get(place) ?? (await baseOf(run, options));
        const { from } = options;
        const forks =
          base && from === 'workspace'
            ? new ForkSource(run.scope, run.workspace, base.tree)
            : undefined;
        const context = { ...resources, pass, name, place, base, forks };
        const all = await pass.track(new FanOut(context, items, work, options).run());
        return asJson(all, `the results of fan-out ${name}`);
      },
    });
    return asRecords(records).map((record) => branchResult(record, name));
  };
}

function asRecords(value: unknown): ReturnType<typeof parseBranchRecord>[] {
  if (Array.isArray(value)) return value.map(parseBranchRecord);
  throw new SandboxError('data-loss', 'the record of a fan-out is no list', {
    operation: 'run.fanOut',
  });
}

async function baseOf(
  { scope, workspace }: Parameters<FanOutStarter>[0],
  { from = 'fresh' }: Pick<FanOutOptions<never>, 'from'>,
): Promise<BranchBase | undefined> {
  if (from === 'fresh') return undefined;
  if (from === 'workspace') return scope.alone(() => workspace.commit());
  return { snapshot: from.snapshot, tree: '' };
}

function checkOptions(
  options: Omit<FanOutOptions<never>, 'route' | 'sandbox'>,
  items: number,
): void {
  const whole: readonly [string, number | undefined, number][] = [
    ['concurrency', options.concurrency, Number.MAX_SAFE_INTEGER],
    ['attempts', options.attempts, Number.MAX_SAFE_INTEGER],
    ['minSuccess', options.minSuccess, Math.max(1, items)],
  ];
  for (const [name, value, most] of whole) {
    if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= most)) continue;
    const range = most === Number.MAX_SAFE_INTEGER ? 'from 1' : `from 1 to ${most}`;
    throw new SandboxError('invalid-argument', `fanOut: ${name} must be a whole number ${range}`, {
      operation: 'run.fanOut',
    });
  }
}
