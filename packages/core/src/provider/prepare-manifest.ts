import type { Call } from '../contract/call.ts';
import type { Capabilities } from '../contract/capabilities.ts';
import type { Manifest } from '../contract/manifest-types.ts';
import type { ApplyOptions } from '../contract/sandbox.ts';
import { planManifest, refuseUnsupported } from '../manifest/plan-manifest.ts';
import type { Plan } from '../manifest/plan-types.ts';
import { type ResolvedManifest, resolveManifest } from '../manifest/resolve-manifest.ts';

/** A manifest that has been looked up and planned for one provider, which can honour all of it. */
export interface PreparedManifest {
  readonly resolved: ResolvedManifest;
  readonly plan: Plan;
}

/** Resolves and plans a manifest; throws `unsupported`, with everything that the provider cannot honour. */
export async function prepareManifest(
  provider: string,
  capabilities: Capabilities,
  manifest: Manifest,
  options: ApplyOptions,
  call: Call,
): Promise<PreparedManifest> {
  const { baseDirectory = process.cwd(), secrets } = options;
  const sources = { baseDirectory, call, ...(secrets === undefined ? {} : { secrets }) };
  const resolved = await resolveManifest(manifest, sources);
  const plan = planManifest(resolved, { provider, capabilities });
  refuseUnsupported(plan, 'create');
  return { resolved, plan };
}
