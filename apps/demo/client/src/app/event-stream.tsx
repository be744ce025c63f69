import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, use, useEffect, useRef, useState } from 'react';
import type { ServerEvent } from '../../../src/protocol/events.ts';
import type { SandboxView } from '../../../src/protocol/sandboxes.ts';
import { rememberProgress } from './operation.ts';
import { keys } from './queries.ts';
import { type Connection, listenTogether } from './shared-events.ts';

type Listener = (event: ServerEvent) => void;

const listeners = new Set<Listener>();
const ConnectionContext = createContext<Connection>('connecting');

/** Which answers an event makes old, by the first word of their query key. Pages hear of the rest by `useServerEvents`. */
const outdated: Readonly<Partial<Record<ServerEvent['type'], readonly string[]>>> = {
  snapshot: ['snapshots'],
  comparison: ['compare'],
  'comparison-removed': ['compare'],
  run: ['runs'],
  journal: ['runs'],
  conformance: ['conformance'],
  emulator: ['providers', 'state', 'sandboxes'],
};
/** Many events come at once; an answer is fetched again at most this often. */
const INTERVAL_MS = 250;

/** Hears the server's events and brings what the pages know up to date, so that each shows what is. */
export function EventStream({ children }: { children: ReactNode }): ReactNode {
  const queryClient = useQueryClient();
  const [connection, setConnection] = useState<Connection>('connecting');
  useEffect(() => {
    const due = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refetch = (): void => {
      timer = undefined;
      for (const key of due) void queryClient.invalidateQueries({ queryKey: [key] });
      due.clear();
    };
    const onEvent = (event: ServerEvent): void => {
      if (event.type === 'progress') rememberProgress(event);
      applyToSandboxes(queryClient, event);
      if (event.type === 'reset') void queryClient.invalidateQueries();
      for (const key of outdated[event.type] ?? []) due.add(key);
      if (due.size > 0) timer ??= setTimeout(refetch, INTERVAL_MS);
      for (const listener of listeners) listener(event);
    };
    const end = listenTogether({ onEvent, onConnection: setConnection });
    return () => {
      end();
      if (timer !== undefined) clearTimeout(timer);
    };
  }, [queryClient]);
  return <ConnectionContext value={connection}>{children}</ConnectionContext>;
}

/** The list of sandboxes is changed in place: with hundreds of them, nobody fetches it for each change. */
function applyToSandboxes(queryClient: QueryClient, event: ServerEvent): void {
  if (event.type !== 'sandbox' && event.type !== 'sandbox-removed') return;
  const id = event.type === 'sandbox' ? event.sandbox.id : event.id;
  queryClient.setQueryData<readonly SandboxView[]>(keys.sandboxes, (known) => {
    if (known === undefined) return known;
    if (event.type === 'sandbox-removed') return known.filter((sandbox) => sandbox.id !== id);
    const at = known.findIndex((sandbox) => sandbox.id === id);
    return at === -1 ? [...known, event.sandbox] : known.with(at, event.sandbox);
  });
  void queryClient.invalidateQueries({ queryKey: keys.sandbox(id) });
}

/** Whether events arrive. */
export function useConnection(): Connection {
  return use(ConnectionContext);
}

/** Hears every event while the component is shown. */
export function useServerEvents(listener: Listener): void {
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => {
    const stable: Listener = (event) => {
      latest.current(event);
    };
    listeners.add(stable);
    return () => {
      listeners.delete(stable);
    };
  }, []);
}
