import { ANSWER_IS_NO } from '../exit-codes.ts';
import { print, printJson } from '../output/print.ts';
import { Progress } from '../output/progress.ts';
import { loadProvider } from '../provider/load-provider.ts';
import { readManifest } from '../sandbox/read-manifest.ts';
import type { CommonOptions, Session } from '../session.ts';

/**
 * `gantry manifest plan` and `gantry run --plan`: what would be done for a manifest by the provider
 * of the options. Returns 0, or 1 when the provider would refuse a part of it.
 */
export async function printPlan(
  session: Session,
  file: string,
  options: CommonOptions,
  image?: string,
): Promise<number> {
  const { formatPlan, planManifest, resolveManifest } = await import('@gantry/core/manifest');
  const { signal } = session.interrupts;
  using progress = new Progress(session.verbose);
  progress.phase(`reading ${file}`);
  const { manifest: read, baseDirectory } = await readManifest(file);
  const manifest = image === undefined ? read : { ...read, image };
  const provider = await loadProvider(options.provider, options.egress);
  progress.phase(`asking provider ${provider.id} what it can do here`);
  const capabilities = await provider.probe({ signal });
  progress.phase('looking up sources');
  const resolved = await resolveManifest(manifest, { baseDirectory, call: { signal } });
  const plan = planManifest(resolved, { provider: provider.id, capabilities });
  progress[Symbol.dispose]();
  if (session.json) printJson({ plan });
  else print(formatPlan(plan));
  return plan.refused.length === 0 ? 0 : ANSWER_IS_NO;
}
