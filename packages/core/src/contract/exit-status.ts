/** Names of the signals that a process can be sent or killed by (POSIX.1-2017 plus Linux's own). */
export type Signal = `SIG${string}`;

/**
 * How a process ended. Exactly one of three: it chose `code`, a `signal` killed it, or the provider
 * cannot tell and says why. Never a made-up code; a transport fault is an error, not a status.
 * With trait `exit: 'shell-encoded'` a signal death may read as `{ code: 128 + n }`.
 */
export type ExitStatus =
  | { readonly code: number; readonly signal?: never; readonly unknown?: never }
  | { readonly signal: Signal; readonly code?: never; readonly unknown?: never }
  | { readonly unknown: string; readonly code?: never; readonly signal?: never };
