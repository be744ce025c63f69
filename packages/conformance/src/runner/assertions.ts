import { isDeepStrictEqual } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError, type ExecResult, type SandboxErrorCode } from '@gantry/core';
import { AssertionFailure, Untestable } from './assertion-failure.ts';
import { describeError, describeValue } from './describe-value.ts';
import { within } from './time-limits.ts';

/** An interval of host time, in milliseconds. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** What a check asserts with. Each call counts; each failure says what was looked at, expected and found. */
export class Assertions {
  #count = 0;

  /** How many assertions have been made. */
  get count(): number {
    return this.#count;
  }

  /** Fails the check. */
  fail(message: string): never {
    throw new AssertionFailure(message);
  }

  /** Ends the check: a prerequisite is missing here. Counts as a failure. */
  untestable(reason: string): never {
    throw new Untestable(reason);
  }

  ok(condition: boolean, message: string): void {
    this.#count++;
    if (!condition) this.fail(message);
  }

  /** The value must be there; returns it. */
  present<Value>(value: Value | undefined, message: string): Value {
    this.#count++;
    return value === undefined ? this.fail(message) : value;
  }

  equal<Value>(actual: Value, expected: Value, what: string): void {
    this.ok(
      isDeepStrictEqual(actual, expected),
      `${what}: expected ${describeValue(expected)}, found ${describeValue(actual)}`,
    );
  }

  /** Like `equal`, naming the first byte that differs. */
  bytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
    const at = firstDifference(actual, expected);
    this.ok(
      at === undefined,
      `${what}: expected ${describeValue(expected)}, found ${describeValue(actual)}; the first difference is at byte ${at}`,
    );
  }

  match(actual: string, pattern: RegExp, what: string): void {
    this.ok(pattern.test(actual), `${what}: ${describeValue(actual)} does not match ${pattern}`);
  }

  /** A command must have ended with code 0; returns its standard output as text. */
  succeeded(result: ExecResult, what: string): string {
    const { exit, stderr } = result;
    this.ok(
      exit.code === 0,
      `${what}: expected exit code 0, found ${describeValue(exit)}; stderr ${describeValue(stderr.text)}`,
    );
    return result.stdout.text;
  }

  /** The work must reject with a `SandboxError` of one of these codes; returns it. */
  async rejects(
    codes: SandboxErrorCode | readonly SandboxErrorCode[],
    work: Promise<unknown> | (() => Promise<unknown>),
    what: string,
  ): Promise<SandboxError> {
    const wanted: readonly SandboxErrorCode[] = typeof codes === 'string' ? [codes] : codes;
    let value: unknown;
    try {
      value = await (typeof work === 'function' ? work() : work);
    } catch (error) {
      const matches = SandboxError.is(error) && wanted.includes(error.code);
      this.ok(
        matches,
        `${what}: expected a SandboxError ${wanted.join(' or ')}, found ${describeError(error)}`,
      );
      if (SandboxError.is(error)) return error;
    }
    this.#count++;
    return this.fail(
      `${what}: expected a rejection with ${wanted.join(' or ')}, but it resolved with ${describeValue(value)}`,
    );
  }

  /** All intervals must share a moment: that is concurrency, whatever the machine's speed. */
  overlap(intervals: readonly Interval[], what: string): void {
    const latestStart = Math.max(...intervals.map(({ from }) => from));
    const earliestEnd = Math.min(...intervals.map(({ to }) => to));
    this.ok(
      intervals.length > 1 && latestStart < earliestEnd,
      `${what}: the last began ${Math.round(latestStart - earliestEnd)} ms after the first had ended`,
    );
  }

  /** The condition must come true within the limit; `describe` says what was found instead. */
  async eventually(
    limitMs: number,
    condition: () => Promise<boolean> | boolean,
    what: string,
  ): Promise<void> {
    const end = performance.now() + limitMs;
    for (;;) {
      if (await condition()) break;
      if (performance.now() > end) {
        this.#count++;
        this.fail(`${what}: not so within ${limitMs} ms`);
      }
      await delay(25);
    }
    this.#count++;
  }

  /** The work must settle within the limit; its result or rejection is passed on. */
  async promptly<Result>(limitMs: number, work: Promise<Result>, what: string): Promise<Result> {
    this.#count++;
    return within(limitMs, work, () => new AssertionFailure(`${what}: no end after ${limitMs} ms`));
  }
}

function firstDifference(actual: Uint8Array, expected: Uint8Array): number | undefined {
  if (Buffer.from(actual).equals(expected)) return undefined;
  const length = Math.min(actual.length, expected.length);
  for (let index = 0; index < length; index++) {
    if (actual[index] !== expected[index]) return index;
  }
  return length;
}
