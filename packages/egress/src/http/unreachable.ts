import { DialError } from '../dial/dial.ts';
import type { Refusal } from './request-target.ts';

/** Why a host did not answer, in words that hold no secret. */
export function unreachable(error: Error): Refusal {
  if (error instanceof DialError) {
    const status = error.reason === 'address-denied' ? 403 : 502;
    return { status, rule: error.reason, message: error.message };
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'no answer';
  return { status: 502, rule: 'unreachable', message: `the host gave no answer (${code})` };
}
