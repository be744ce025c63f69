import { useCallback, useSyncExternalStore } from 'react';
import type { ProgressEvent } from '../../../src/protocol/events.ts';
import { ApiError } from './api.ts';

/** How many operations are remembered; the oldest is forgotten first. */
const KEPT = 100;
const latest = new Map<string, ProgressEvent>();
const watchers = new Set<() => void>();

/**
 * Remembers how far an operation is. The first event of a short one may come before the answer that names it,
 * so every one is kept, also when nobody asks yet.
 */
export function rememberProgress(event: ProgressEvent): void {
  latest.delete(event.operation);
  latest.set(event.operation, event);
  const [oldest] = latest.keys();
  if (latest.size > KEPT && oldest !== undefined) latest.delete(oldest);
  for (const notify of watchers) notify();
}

function subscribe(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => {
    watchers.delete(watcher);
  };
}

/** The last progress of an operation that a request began; `undefined` until there is any. */
export function useOperation(operation: string | undefined): ProgressEvent | undefined {
  return useSyncExternalStore(
    subscribe,
    useCallback(() => (operation === undefined ? undefined : latest.get(operation)), [operation]),
  );
}

/** Resolves with the `done` event of an operation, rejects with its error. For actions that wait outside of a component. */
export function operationEnd(operation: string): Promise<ProgressEvent> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const event = latest.get(operation);
      if (event === undefined || event.state === 'running') return;
      watchers.delete(look);
      if (event.state === 'done') resolve(event);
      else reject(failure(event));
    };
    watchers.add(look);
    look();
  });
}

/** The error of a failed operation, as {@link ApiError}. */
export function failure({ error, what }: ProgressEvent): ApiError {
  if (error === undefined) return new ApiError('internal', `${what} failed`, { status: 500 });
  const { code, message, hint } = error;
  return new ApiError(code, message, hint === undefined ? { status: 500 } : { status: 500, hint });
}
