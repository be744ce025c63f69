import type { CapabilityName } from '@gantry/core';

/** An optional capability, and what it is good for in a few words. */
export interface Capability {
  readonly name: CapabilityName;
  readonly about: string;
}

/** In the order in which people ask for them. */
export const capabilities: readonly Capability[] = [
  { name: 'terminal', about: 'a real terminal' },
  { name: 'processes', about: 'list them, and follow one from anywhere' },
  { name: 'ports', about: 'reach what listens inside' },
  { name: 'suspend', about: 'stop, keep, go on' },
  { name: 'fork', about: 'clone a live sandbox' },
  { name: 'nativeSnapshot', about: 'the provider’s own saved state' },
  { name: 'changes', about: 'what is different, without reading everything' },
  { name: 'network', about: 'choose what it reaches' },
  { name: 'resources', about: 'set limits' },
  { name: 'metrics', about: 'see what is used' },
  { name: 'lifetime', about: 'move the time at which it ends' },
  { name: 'watch', about: 'hear of changed files' },
  { name: 'mounts', about: 'directories and buckets from outside' },
  { name: 'images', about: 'choose the system' },
  { name: 'root', about: 'a writable system' },
  { name: 'privilege', about: 'root inside' },
  { name: 'users', about: 'choose the user' },
  { name: 'inventory', about: 'find every sandbox again' },
  { name: 'files', about: 'native byte streams' },
  { name: 'archive', about: 'a whole tree in one call' },
];
