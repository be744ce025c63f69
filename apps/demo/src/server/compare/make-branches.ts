import type { Provider, Sandbox } from '@gantry/core';
import type { BranchView } from '../../protocol/compare.ts';
import type { SharedContext } from '../demo-context.ts';
import { describeError } from '../error-answer.ts';
import { demoLabels } from '../sandboxes/sandboxes.ts';

/** What the branches of one comparison share. */
export interface BranchContext {
  readonly id: string;
  readonly demo: SharedContext;
  readonly signal: AbortSignal;
  /** Of each branch: ends its command or agent alone. */
  readonly work: readonly AbortSignal[];
  readonly startedAt: number;
  readonly snapshot: string;
}

type Update = (index: number, facts: Partial<BranchView>) => void;

/**
 * Makes a sandbox for each branch of one provider and goes on with each as soon as it is there. The first is rehydrated from the
 * snapshot; the others are forks of it where the provider has a faster way than that, else rehydrated too. A branch that cannot
 * be made says why; the others go on.
 */
export async function makeBranches(
  branches: readonly BranchView[],
  context: BranchContext,
  update: Update,
  goOn: (branch: BranchView, sandbox: Sandbox) => Promise<void>,
): Promise<void> {
  const [first, ...others] = branches;
  if (!first) return;
  const provider = await context.demo.providers.use(first.provider);
  const settle = async (
    branch: BranchView,
    making: Promise<Sandbox>,
    before: Promise<unknown> = Promise.resolve(),
  ): Promise<void> => {
    try {
      const sandbox = await making;
      await remember(branch, sandbox, context, update);
      await before;
      update(branch.index, { state: 'running' });
      await goOn(branch, sandbox);
    } catch (error) {
      update(branch.index, { state: 'failed', error: describeError(error) });
    }
  };
  const begin = (all: readonly BranchView[]): void => {
    for (const { index } of all)
      update(index, { state: 'making', startedMs: Date.now() - context.startedAt });
  };
  const { fork, nativeSnapshot } = provider.capabilities;
  if (!fork && !nativeSnapshot) {
    begin(branches);
    await Promise.all(branches.map((branch) => settle(branch, rehydrate(provider, context))));
    return;
  }
  begin([first]);
  const source = rehydrate(provider, context);
  const clones = source.then((sandbox) => {
    begin(others);
    return cloned(sandbox, others.length, context);
  });
  const rest = others.map(async (branch, place) => {
    const clone = clones.then((all) => {
      const result = all[place];
      if (result?.status === 'fulfilled') return result.value;
      throw result?.reason;
    });
    await settle(branch, clone);
  });
  // The first goes on only when the others have been cloned: what is done in it is then in none of them.
  await Promise.all([settle(first, source, Promise.allSettled([clones])), ...rest]);
}

function rehydrate(
  provider: Provider,
  { demo, signal, snapshot }: BranchContext,
): Promise<Sandbox> {
  return provider.rehydrate(snapshot, demo.snapshots.store, { labels: demoLabels, signal });
}

async function cloned(
  sandbox: Sandbox,
  count: number,
  { demo, signal }: BranchContext,
): Promise<readonly PromiseSettledResult<Sandbox>[]> {
  if (count === 0) return [];
  return sandbox.fork(count, { labels: demoLabels, signal, store: demo.snapshots.store });
}

async function remember(
  { index, command, task = command ?? '' }: BranchView,
  sandbox: Sandbox,
  { demo, startedAt, snapshot }: BranchContext,
  update: Update,
): Promise<void> {
  const name = `branch ${index + 1}: ${task.split('\n')[0]?.slice(0, 50)}`;
  const { id } = await demo.sandboxes.add(sandbox, { name, ports: [], snapshot });
  const { by } = sandbox.origin;
  update(index, {
    ...{ sandbox: id, readyMs: Date.now() - startedAt },
    ...(by === undefined ? {} : { by }),
  });
}
