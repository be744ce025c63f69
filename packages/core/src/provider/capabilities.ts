import type {
  Capabilities,
  CapabilityName,
  CapabilityOverrides,
} from '../contract/capabilities.ts';
import type { SandboxDriver } from '../contract/sandbox-driver.ts';
import type { LimitTrait, Traits } from '../contract/traits.ts';
import { SandboxError } from '../errors/sandbox-error.ts';

const capabilityNames: readonly CapabilityName[] = [
  'files',
  'archive',
  'changes',
  'inventory',
  'processes',
  'terminal',
  'ports',
  'suspend',
  'nativeSnapshot',
  'fork',
  'network',
  'secrets',
  'mounts',
  'watch',
  'users',
  'resources',
  'metrics',
  'lifetime',
  'root',
  'privilege',
  'images',
];

/** What a driver declares, as plain JSON: its capability objects without their functions. */
export function deriveCapabilities(driver: SandboxDriver): Capabilities {
  const declared = capabilityNames.flatMap((name) => {
    const capability = driver[name];
    if (capability === undefined) return [];
    const limits = Object.entries(capability).filter(([, value]) => typeof value !== 'function');
    return [[name, structuredClone(Object.fromEntries(limits))] as const];
  });
  return { ...Object.fromEntries(declared), traits: structuredClone(driver.traits) };
}

/**
 * Applies what a host or a sandbox takes away: what holds is the intersection, so an override adds
 * nothing, also where a wrapper has taken away more than it. Throws `internal` for a value of another kind.
 */
export function narrowCapabilities(
  declared: Capabilities,
  overrides: CapabilityOverrides | undefined,
  provider: string,
): Capabilities {
  if (overrides === undefined) return declared;
  const result: Record<string, unknown> = { ...declared };
  for (const name of capabilityNames) {
    const override = overrides[name];
    const limits = declared[name];
    if (override === undefined || limits === undefined) continue;
    if (override === false) delete result[name];
    else result[name] = narrowLimits(limits, override, (key) => incomparable(provider, name, key));
  }
  const limits = narrowTraitLimits(declared.traits.limits, overrides.limits ?? {});
  return { ...result, traits: { ...declared.traits, limits } };
}

function narrowLimits(
  limits: object,
  override: object,
  refuse: (key: string) => SandboxError,
): object {
  const result: Record<string, unknown> = { ...limits };
  for (const [key, value] of Object.entries(override)) {
    if (value !== undefined) result[key] = intersect(result[key], value, () => refuse(key));
  }
  return result;
}

/** The items of both, the smaller number, `false` before `true`, a limit where none was; else they must be equal. */
function intersect(from: unknown, to: unknown, refuse: () => SandboxError): unknown {
  if (Array.isArray(from) && Array.isArray(to)) {
    const kept = new Set(to.map((item) => JSON.stringify(item)));
    return from.filter((item) => kept.has(JSON.stringify(item)));
  }
  if (typeof to === 'number' && from === undefined) return to;
  if (typeof from === 'number' && typeof to === 'number') return Math.min(from, to);
  if (typeof from === 'boolean' && typeof to === 'boolean') return from && to;
  if (from === to) return from;
  throw refuse();
}

function narrowTraitLimits(
  declared: Traits['limits'],
  overrides: Partial<Traits['limits']>,
): Traits['limits'] {
  const both = (name: keyof Traits['limits']): LimitTrait =>
    overrides[name] === 'none' ? 'none' : declared[name];
  return { memory: both('memory'), pids: both('pids'), cpu: both('cpu'), disk: both('disk') };
}

function incomparable(provider: string, name: string, key: string): SandboxError {
  return new SandboxError(
    'internal',
    `provider ${provider} breaks its contract: an override sets ${name}.${key} to something else than its driver declares; it may only take away`,
    { provider },
  );
}

/** The error of every operation whose capability is not there. */
export function unsupported(provider: string, operation: string, capability: string): SandboxError {
  return new SandboxError(
    'unsupported',
    `${operation} is not supported by provider ${provider}: it does not declare ${capability}`,
    { provider, operation, details: { capability } },
  );
}
