import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { withEgress } from '../src/index.ts';
import { plainProvider, type ProviderPlan } from './elsewhere.ts';
import { http2Scenarios } from './http2-scenarios.ts';
import { mostPending, networkScenarios, type Scenario } from './network-scenarios.ts';
import { processScenarios } from './process-scenarios.ts';
import { secretScenarios } from './secret-scenarios.ts';
import { startWorld } from './upstream.ts';

/** What every provider behind `withEgress` is held to. */
export const scenarios: readonly Scenario[] = [
  ...networkScenarios,
  ...secretScenarios,
  ...processScenarios,
  ...http2Scenarios,
];

/** Holds a provider to a scenario, in a world and with directories of its own. */
export async function runScenario(
  { run }: Scenario,
  own: (directory: string) => Pick<ProviderPlan, 'local' | 'docker'>,
): Promise<void> {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'gantry-egress-'));
  try {
    await using world = await startWorld();
    const egressDirectory = path.join(scratch, 'egress');
    mkdirSync(egressDirectory, { mode: 0o700 });
    const plan = { ...own(scratch), egressDirectory, authority: world.authority };
    const provider = withEgress(plainProvider(plan), {
      ...{ stateDirectory: egressDirectory, authorities: [world.authority] },
      ...{ lookup: world.lookup, maxPending: mostPending },
    });
    await run({ provider, world, scratch, plan });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
