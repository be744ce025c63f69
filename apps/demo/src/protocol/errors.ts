import type { SandboxErrorCode } from '@gantry/core';

/** Why a request failed, as its answer's body says it. The HTTP status follows from the code. */
export interface ErrorAnswer {
  readonly error: {
    readonly code: SandboxErrorCode;
    readonly message: string;
    /** What to do next, where that is known. */
    readonly hint?: string;
    /** JSON facts for programs: of a refused manifest, its `problems`. */
    readonly details?: Readonly<Record<string, unknown>>;
  };
}

/** The header that every request that changes something must carry, with the value `1`: no form and no simple request can. */
export const changeHeader = 'x-gantry-demo';
