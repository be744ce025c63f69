import { SandboxError } from '@gantry/core';
import { planManifest, resolveManifest } from '@gantry/core/manifest';
import { z } from 'zod';
import type { ManifestProblem, PlanAnswer, PlanRequest } from '../../protocol/manifests.ts';
import type { Providers } from '../providers/providers.ts';
import { baseDirectory, readManifest } from './read-manifest.ts';

const problemsSchema = z.array(
  z.object({
    path: z.array(z.union([z.string(), z.number()])),
    message: z.string(),
    line: z.number().optional(),
    column: z.number().optional(),
  }),
);

/** What a provider would do for a manifest's text, or what is wrong with the text. Changes nothing anywhere. */
export async function planText(
  { manifest: text, provider: id }: PlanRequest,
  providers: Providers,
  signal: AbortSignal,
): Promise<PlanAnswer> {
  const provider = await providers.use(id);
  try {
    const manifest = await readManifest(text);
    const capabilities = await provider.probe({ signal });
    const resolved = await resolveManifest(manifest, { baseDirectory, call: { signal } });
    const plan = planManifest(resolved, { provider: provider.id, capabilities });
    return { plan, problems: [], json: JSON.stringify(manifest, undefined, 2) };
  } catch (error) {
    if (!SandboxError.is(error) || !aboutTheText.has(error.code)) throw error;
    return { problems: problemsOf(error) };
  }
}

/** A source that is not there, or not to be had, is a problem of the text that names it. */
const aboutTheText: ReadonlySet<string> = new Set([
  ...['invalid-argument', 'not-found', 'permission-denied', 'failed-precondition'],
]);

function problemsOf(error: SandboxError): readonly ManifestProblem[] {
  const found = problemsSchema.safeParse(error.details['problems']);
  if (!found.success || found.data.length === 0)
    return [{ path: placeOf(error), message: error.message }];
  return found.data.map(({ path, message, line, column }) => ({
    ...{ path: path.join('.'), message },
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
  }));
}

function placeOf({ details }: SandboxError): string {
  const { path } = details;
  return typeof path === 'string' ? path : '';
}
