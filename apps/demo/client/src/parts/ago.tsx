import { type ReactNode, useSyncExternalStore } from 'react';

/** One timer for every time on the page. */
const TICK_MS = 5_000;
let now = Date.now();
const watchers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const notify of watchers) notify();
  }, TICK_MS);
  return () => {
    watchers.delete(watcher);
    if (watchers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** How long ago something was, kept up to date, with the exact time on hover. Milliseconds since the Unix epoch. */
export function Ago({ at }: { at: number }): ReactNode {
  const current = useSyncExternalStore(subscribe, () => now);
  return <Time at={at}>{coarse(current - at)}</Time>;
}

/** In how long something will be, as {@link Ago}. */
export function Until({ at }: { at: number }): ReactNode {
  const current = useSyncExternalStore(subscribe, () => now);
  return <Time at={at}>{at > current ? `in ${length(at - current)}` : 'now'}</Time>;
}

function Time({ at, children }: { at: number; children: ReactNode }): ReactNode {
  return (
    <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
      {children}
    </time>
  );
}

function coarse(milliseconds: number): string {
  return milliseconds < 10_000 ? 'just now' : `${length(milliseconds)} ago`;
}

/** The largest unit alone: of `3 min 5 s` only the minutes are of interest. */
function length(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  const hours = Math.floor(seconds / 3600);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
