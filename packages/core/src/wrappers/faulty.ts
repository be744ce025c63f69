import { setTimeout as delay } from 'node:timers/promises';
import type { DriverProcess } from '../contract/command.ts';
import type { DriverWrapper } from '../contract/sandbox-driver.ts';
import { SandboxError } from '../errors/sandbox-error.ts';
import { forwardDriver } from './forward-driver.ts';

/** What goes wrong with a call. */
export type Fault =
  /** Fails before anything happens; the default error is `unavailable`, not started. */
  | { readonly kind: 'fail'; readonly error?: unknown }
  /** Happens, and its answer is lost: fails afterwards with `unavailable`, outcome `unknown`. */
  | { readonly kind: 'fail-late' }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** Neither happens nor answers, whatever the signal says. */
  | { readonly kind: 'hang' }
  /** `spawn` only: the output ends after this many bytes and the link is lost. */
  | { readonly kind: 'truncate'; readonly afterBytes: number };

/** Which call goes wrong: the nth of an operation, counted from 1, or a share of them all. */
export interface FaultRule {
  readonly operation: string;
  readonly fault: Fault;
  /** Default: every call. */
  readonly nth?: number;
  /** From 0 to 1; drawn from the plan's seed. */
  readonly probability?: number;
}

/** What goes wrong, and the seed that makes a run repeatable. */
export interface FaultPlan {
  readonly rules: readonly FaultRule[];
  /** Default 1. */
  readonly seed?: number;
}

/** A wrapper that makes a driver's calls go wrong by plan. Equal plans and calls give equal faults. */
export function faulty(plan: FaultPlan): DriverWrapper {
  const counts = new Map<string, number>();
  const random = mulberry32(plan.seed ?? 1);
  const pick = (operation: string): Fault | undefined => {
    const count = (counts.get(operation) ?? 0) + 1;
    counts.set(operation, count);
    const rules = plan.rules.filter((rule) => rule.operation === operation);
    return rules.find(
      ({ nth, probability }) =>
        (nth === undefined || nth === count) &&
        (probability === undefined || random() < probability),
    )?.fault;
  };
  return (driver) =>
    forwardDriver(driver, ({ operation, proceed }) => {
      const fault = pick(operation);
      return fault ? inject(fault, operation, proceed) : proceed();
    });
}

async function inject(fault: Fault, operation: string, proceed: () => unknown): Promise<unknown> {
  const lost = (outcome: 'not-started' | 'unknown'): SandboxError =>
    new SandboxError('unavailable', `injected fault: ${operation} ${fault.kind}`, { outcome });
  if (fault.kind === 'fail') {
    // oxlint-disable-next-line typescript/only-throw-error -- a bad driver throws anything
    throw fault.error ?? lost('not-started');
  }
  if (fault.kind === 'hang') return new Promise(() => undefined);
  if (fault.kind === 'delay') await delay(fault.milliseconds);
  const result = await proceed();
  if (fault.kind === 'fail-late') throw lost('unknown');
  if (fault.kind === 'delay') return result;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `spawn` resolves to
  return truncated(result as DriverProcess, fault.afterBytes, lost('unknown'));
}

/** A process whose output ends early and whose exit is never learnt; the real one is killed. */
function truncated(process: DriverProcess, afterBytes: number, error: SandboxError): DriverProcess {
  let left = afterBytes;
  let lose: (error: SandboxError) => void = () => undefined;
  const exit = new Promise<never>((_, reject) => {
    lose = reject;
  });
  exit.catch(() => undefined); // Whoever asks gets it; nobody need ask.
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      controller.enqueue(chunk.subarray(0, left));
      left -= chunk.length;
      if (left > 0) return;
      controller.terminate();
      await process.kill('SIGKILL');
      lose(error);
    },
    flush: () => lose(error),
  });
  return {
    ...process,
    stdout: process.stdout.pipeThrough(cut),
    exit,
    kill: process.kill.bind(process),
  };
}

/** A small seeded generator of numbers in [0, 1): Tommy Ettinger's Mulberry32, public domain. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
