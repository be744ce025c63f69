import { Select, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { DiffAnswer, SnapshotView } from '../../../../src/protocol/snapshots.ts';
import { get } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { useSearch } from '../../app/use-search.ts';
import { DifferenceList } from '../../parts/difference-list.tsx';
import classes from './page.module.css';

/** What is not the same in this snapshot and another: its parent, unless another is chosen. */
export function Difference({
  snapshot,
  all,
}: {
  snapshot: SnapshotView;
  all: readonly SnapshotView[];
}): ReactNode {
  const [chosen, choose] = useSearch('with');
  const others = all
    .filter(({ id }) => id !== snapshot.id)
    .toSorted((a, b) => b.createdAt - a.createdAt);
  const other = chosen || snapshot.parent || others[0]?.id;
  const { data, error, refetch } = useQuery({
    queryKey: ['diff', other, snapshot.id],
    enabled: other !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) =>
      get<DiffAnswer>(
        `/api/snapshots/diff?a=${encodeURIComponent(other ?? '')}&b=${encodeURIComponent(snapshot.id)}`,
        signal,
      ),
  });
  if (other === undefined)
    return (
      <Text size="sm" c="dimmed" className={classes.note}>
        There is no other snapshot to compare it with.
      </Text>
    );
  return (
    <>
      <div className={classes.tools}>
        <Select
          label="From"
          flex={1}
          miw={220}
          searchable
          allowDeselect={false}
          value={other}
          onChange={(value) => {
            choose(value ?? '');
          }}
          data={others.map(({ id, name }) => ({
            value: id,
            label: `${name ?? id.slice(0, 12)}${id === snapshot.parent ? ' (its parent)' : ''}`,
          }))}
        />
        <Text size="sm" c="dimmed" pb={8} className="numbers">
          {data === undefined ? '' : summary(data)}
        </Text>
      </div>
      {error !== null && <ErrorDisplay error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton h={120} m="md" />}
      {data !== undefined && <DifferenceList differences={data.differences} />}
    </>
  );
}

function summary({ differences, truncated }: DiffAnswer): string {
  if (differences.length === 0) return 'the same contents';
  const count = (kind: string): number => differences.filter((each) => each.kind === kind).length;
  const parts = ['added', 'changed', 'removed'].map((kind) => `${count(kind)} ${kind}`);
  return `${parts.join(', ')}${truncated ? ', and more' : ''}`;
}
