import type { SandboxError, SandboxErrorCode } from '@gantry/core';

const HINTS: Partial<Readonly<Record<SandboxErrorCode, string>>> = {
  unsupported: 'See what each provider can do: gantry providers',
  unavailable: 'See whether the provider works here: gantry doctor',
};

/** What to do about an error: what it says itself, else what its code suggests. */
export function hintFor(error: SandboxError): string | undefined {
  const own = error.details['hint'];
  if (typeof own === 'string') return own;
  const atStart = error.operation === 'create' || error.operation === 'probe';
  if (error.code === 'failed-precondition' && atStart) {
    return 'See what this machine lacks: gantry doctor';
  }
  return HINTS[error.code];
}
