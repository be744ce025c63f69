import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Provider, Sandbox } from '@gantry/core';

/** What a sandbox is created with. */
export type Wanted = Parameters<Provider['create']>[0];

/** The default is a read-only root. */
export const copyOnWrite: Wanted = {
  manifest: { spec: 'gantry-manifest/1', root: 'copy-on-write' },
};

/** How long the parts of one sandbox's life took, in milliseconds. */
export interface Life {
  readonly create: number;
  /** From the create to the end of the first command. */
  readonly cold: number;
  readonly destroy: number;
  /** The longest time for which the event loop did nothing else during the create. */
  readonly block: number;
}

/** Runs `true`, which must succeed. */
export async function runTrue(sandbox: Sandbox): Promise<void> {
  const result = await sandbox.exec(['true']);
  if (!result.ok) throw new Error(`true ended with ${JSON.stringify(result.exit)}`);
}

/** One sandbox from its create to its end. */
export async function live(provider: Provider, wanted?: Wanted): Promise<Life> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const begin = performance.now();
  const sandbox = await provider.create(wanted);
  const created = performance.now();
  delay.disable();
  await runTrue(sandbox);
  const ran = performance.now();
  await sandbox.destroy();
  return {
    create: created - begin,
    cold: ran - begin,
    destroy: performance.now() - ran,
    // The monitor's own resolution is part of what it measures.
    block: Math.max(0, delay.max / 1e6 - 1),
  };
}
