import type {
  Capabilities,
  CapabilityName,
  CapabilityOverrides,
} from '../contract/capabilities.ts';
import type { SandboxDriver } from '../contract/sandbox-driver.ts';
import type { Traits } from '../contract/traits.ts';
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

/** Applies what a host or a sandbox takes away. Throws `internal` when an override adds something. */
export function narrowCapabilities(
  declared: Capabilities,
  overrides: CapabilityOverrides | undefined,
  provider: string,
): Capabilities {
  if (overrides === undefined) return declared;
  const result: Record<string, unknown> = { ...declared };
  for (const name of capabilityNames) {
    const override = overrides[name];
    if (override === undefined) continue;
    const limits = declared[name];
    if (override === false) delete result[name];
    else if (limits === undefined) throw widened(provider, name);
    else result[name] = narrowLimits(limits, override, () => widened(provider, name));
  }
  const limits = narrowTraitLimits(declared.traits.limits, overrides.limits ?? {}, provider);
  return { ...result, traits: { ...declared.traits, limits } };
}

function narrowLimits(limits: object, override: object, refuse: () => SandboxError): object {
  const result: Record<string, unknown> = { ...limits };
  for (const [key, value] of Object.entries(override)) {
    if (!isNarrower(result[key], value)) throw refuse();
    result[key] = value;
  }
  return result;
}

/** Fewer items, a smaller number, `false` for `true`, a limit where none was; else the same value. */
function isNarrower(from: unknown, to: unknown): boolean {
  if (Array.isArray(from) && Array.isArray(to)) {
    const known = new Set(from.map((item) => JSON.stringify(item)));
    return to.every((item) => known.has(JSON.stringify(item)));
  }
  if (typeof to === 'number') return from === undefined || (typeof from === 'number' && to <= from);
  if (typeof to === 'boolean') return from === to || from === true;
  return from === to;
}

function narrowTraitLimits(
  declared: Traits['limits'],
  overrides: Partial<Traits['limits']>,
  provider: string,
): Traits['limits'] {
  const names = ['memory', 'pids', 'cpu', 'disk'] as const;
  const widening = names.some(
    (name) => overrides[name] === 'enforced' && declared[name] === 'none',
  );
  if (widening) throw widened(provider, 'traits.limits');
  return { ...declared, ...overrides };
}

function widened(provider: string, what: string): SandboxError {
  return new SandboxError(
    'internal',
    `provider ${provider} breaks its contract: an override widens ${what}, which its driver does not declare that far`,
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
