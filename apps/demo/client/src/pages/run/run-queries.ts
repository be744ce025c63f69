import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { RunEventView } from '../../../../src/protocol/provenance.ts';
import type {
  DocumentFields,
  RunState,
  RunSummary,
  RunView,
} from '../../../../src/protocol/runs.ts';
import { get, path, request } from '../../app/api.ts';
import { useServerEvents } from '../../app/event-stream.tsx';

/** Every run, the newest first. */
export const runsQuery = queryOptions({
  queryKey: ['runs'],
  queryFn: ({ signal }) => get<readonly RunSummary[]>('/api/runs', signal),
});

/** One run with its documents, results and asks. */
export function runQuery(id: string) {
  return queryOptions({
    queryKey: ['runs', id],
    queryFn: ({ signal }) => get<RunView>(path`/api/runs/${id}`, signal),
  });
}

function eventsQuery(id: string) {
  return queryOptions({
    queryKey: ['run-events', id],
    queryFn: ({ signal }) => get<readonly RunEventView[]>(path`/api/runs/${id}/events`, signal),
  });
}

/** What was read from one document. */
export function fieldsQuery(id: string, record: string) {
  return queryOptions({
    queryKey: ['run-fields', id, record],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) =>
      get<DocumentFields>(
        `${path`/api/runs/${id}/fields`}?record=${encodeURIComponent(record)}`,
        signal,
      ),
  });
}

/** The document itself, byte for byte. */
export function sourceQuery(id: string, record: string) {
  return queryOptions({
    queryKey: ['run-source', id, record],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const address = `${path`/api/runs/${id}/source`}?record=${encodeURIComponent(record)}`;
      return (await request('GET', address, { signal })).arrayBuffer();
    },
  });
}

/** The events of a run, which grow as it goes on. A rollback changes what earlier ones count for, so all are fetched again. */
export function useRunEvents(id: string): ReturnType<typeof useQuery<readonly RunEventView[]>> {
  const client = useQueryClient();
  const { queryKey } = eventsQuery(id);
  useServerEvents((news) => {
    if (news.type === 'run' && news.run.id === id) void client.invalidateQueries({ queryKey });
    if (news.type !== 'journal' || news.run !== id) return;
    const { event } = news;
    const known = client.getQueryData<readonly RunEventView[]>(queryKey);
    const follows = known !== undefined && event.sequence === (known.at(-1)?.sequence ?? 0) + 1;
    if (follows) client.setQueryData(queryKey, [...known, event]);
    if (!follows || event.type === 'rollback' || event.type === 'run.claimed')
      void client.invalidateQueries({ queryKey });
  });
  return useQuery(eventsQuery(id));
}

/** The time, kept up to date while something moves. Milliseconds since the Unix epoch. */
export function useNow(moves: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!moves) return undefined;
    const timer = setInterval(() => {
      setNow(Date.now());
    }, 200);
    return () => {
      clearInterval(timer);
    };
  }, [moves]);
  return now;
}

/** How a run's state is told. */
export const stateLabels: Readonly<
  Record<
    RunState,
    { tone: 'good' | 'warn' | 'bad' | 'idle' | 'active'; label: string; busy: boolean }
  >
> = {
  starting: { tone: 'active', label: 'starting', busy: true },
  running: { tone: 'active', label: 'running', busy: true },
  interrupted: { tone: 'bad', label: 'interrupted', busy: false },
  waiting: { tone: 'warn', label: 'waits for you', busy: false },
  finished: { tone: 'good', label: 'finished', busy: false },
  failed: { tone: 'bad', label: 'failed', busy: false },
  erased: { tone: 'idle', label: 'erased', busy: false },
};
