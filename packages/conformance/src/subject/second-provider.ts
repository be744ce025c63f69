import type { Provider } from '@gantry/core';
import { loadSubject, type Subject } from './load-subject.ts';

/** Where workspaces are moved to and fro. */
export interface SecondProvider {
  readonly provider: Provider;
  /** How reports call it. */
  readonly name: string;
}

/**
 * The provider that was given, else the subject itself by what every driver has, `spawn` alone: its own ways to read, write and
 * compare a workspace are then on one side only.
 */
export async function secondProvider(
  subject: Provider,
  given: Subject | undefined,
): Promise<SecondProvider> {
  if (given !== undefined) {
    const { provider } = await loadSubject(given);
    return { provider, name: provider.id };
  }
  const provider = subject.wrap((driver) => {
    const { archive: _a, changes: _c, nativeSnapshot: _n, fork: _f, ...bare } = driver;
    return bare;
  });
  return { provider, name: `${subject.id}, by commands alone` };
}
