import type { SandboxError, SandboxErrorCode } from '@gantry/core';
import { property } from '../provider/property.ts';

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
  if (error.code === 'unsupported' && needsEgress(error.details['refused'])) {
    return 'For local and docker: --egress, or GANTRY_EGRESS=1';
  }
  return HINTS[error.code];
}

/** Whether a plan is refused for what a proxy would make good. */
function needsEgress(refused: unknown): boolean {
  if (!Array.isArray(refused)) return false;
  return refused.some((refusal) => {
    const field = property(refusal, 'field');
    return typeof field === 'string' && /^(?:network|secrets)\b/.test(field);
  });
}
