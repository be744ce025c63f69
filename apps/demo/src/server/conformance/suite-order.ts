import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checks } from '@gantry/conformance';
import { SandboxError } from '@gantry/core';
import { z } from 'zod';
import { reportsDirectory } from '../providers/committed-reports.ts';
import { required, type Providers } from '../providers/providers.ts';
import type { SuiteOrder } from './child-messages.ts';

/** Limits of time are for a machine that does nothing else; this one shows pages, serves emulators and may be busy. */
const leastTimeoutScale = 6;
const concurrency = 3;

const packageSchema = z.object({
  gantry: z.object({ conformance: z.object({ timeoutScale: z.number().positive() }) }).optional(),
});

/** Every profile of the suite, and how many checks it has. */
export function suiteProfiles(): readonly { readonly name: string; readonly checks: number }[] {
  const groups = Map.groupBy(checks, ({ id }) => id.slice(0, id.indexOf('/')));
  return [...groups].map(([name, group]) => ({ name, checks: group.length }));
}

/** What the suite's process is told for a run over a provider, as it can be used now. */
export async function suiteOrder(
  id: string,
  profiles: readonly string[],
  providers: Providers,
): Promise<SuiteOrder> {
  const known = required(id);
  const names = suiteProfiles().map(({ name }) => name);
  const wrong = profiles.find((name) => !names.includes(name));
  if (wrong !== undefined) {
    const details = { hint: `Give some of: ${names.join(', ')}` };
    throw new SandboxError('invalid-argument', `the suite has no profile ${wrong}`, { details });
  }
  await providers.use(id);
  const manifest = createRequire(import.meta.url).resolve(`${known.package}/package.json`);
  const { gantry } = packageSchema.parse(JSON.parse(await readFile(manifest, 'utf8')));
  const emulated = providers.isEmulated(id);
  const { backend } = providers.emulators.view(id);
  return {
    load: fileURLToPath(import.meta.resolve(known.package)),
    profiles,
    mode: emulated ? 'emulated' : 'live',
    timeoutScale: Math.max(leastTimeoutScale, gantry?.conformance.timeoutScale ?? 1),
    concurrency,
    knownFailures: emulated
      ? await knownFailures(backend === 'docker' ? `${id}-on-docker` : id)
      : {},
  };
}

/** Why some checks cannot pass on an emulator, as the committed report of the same provider says it. */
async function knownFailures(report: string): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(path.join(reportsDirectory, report, 'known-failures.json'), 'utf8');
  return z.record(z.string(), z.string()).parse(JSON.parse(text));
}
