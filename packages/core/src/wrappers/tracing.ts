import type { DriverWrapper } from '../contract/sandbox-driver.ts';
import { forwardDriver } from './forward-driver.ts';

/** One event of one driver call. Arguments are left out: they may hold secrets. */
export interface TraceEvent {
  /** Numbers the calls of one wrapper from 1; the two events of a call share it. */
  readonly call: number;
  readonly operation: string;
  readonly phase: 'start' | 'success' | 'failure';
  /** `performance.now()` at the event, in milliseconds. */
  readonly at: number;
  /** Of a `failure`. */
  readonly error?: unknown;
}

/** A wrapper that reports the start and the end of every driver call. A listener that throws fails the call. */
export function tracing(listener: (event: TraceEvent) => void): DriverWrapper {
  let calls = 0;
  return (driver) =>
    forwardDriver(driver, ({ operation, proceed }) => {
      const call = ++calls;
      const report = (phase: TraceEvent['phase'], failure?: { error: unknown }): void =>
        listener({ call, operation, phase, at: performance.now(), ...failure });
      report('start');
      let result: unknown;
      try {
        result = proceed();
      } catch (error) {
        report('failure', { error });
        throw error;
      }
      if (!(result instanceof Promise)) {
        // A stream of results: its consumer sees how it ends.
        report('success');
        return result;
      }
      return result.then(
        (value: unknown) => {
          report('success');
          return value;
        },
        (error: unknown) => {
          report('failure', { error });
          throw error;
        },
      );
    });
}
