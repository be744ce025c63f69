import { Button, Skeleton } from '@mantine/core';
import { IconCamera } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link, useParams } from 'wouter';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { snapshotsQuery } from '../../app/queries.ts';
import { useSearch } from '../../app/use-search.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { History } from './history.tsx';
import { SnapshotDetails } from './snapshot-details.tsx';
import classes from './page.module.css';

/** The history of workspaces: what each snapshot holds, how any two differ, and sandboxes made of them anywhere. */
export default function SnapshotsPage(): ReactNode {
  const { id } = useParams<{ id?: string }>();
  const [other] = useSearch('with');
  const { data, error, refetch } = useQuery(snapshotsQuery);
  const newest = data?.toSorted((a, b) => b.createdAt - a.createdAt)[0];
  const selected = data?.find((snapshot) => snapshot.id === id) ?? (id ? undefined : newest);
  const compared = other || selected?.parent;
  return (
    <>
      <PageHeader
        title="Snapshots"
        about="Immutable workspace contents, named by their digest: taken of a sandbox of one provider, rehydrated on any other, equal byte for byte."
      />
      {error !== null && <ErrorDisplay error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton h={480} />}
      {data?.length === 0 && (
        <EmptyState
          icon={IconCamera}
          title="No snapshot yet"
          action={
            <Button component={Link} href="/sandboxes">
              To the sandboxes
            </Button>
          }
        >
          Take one of a sandbox, or begin a run: each of its checkpoints is one.
        </EmptyState>
      )}
      {data !== undefined && data.length > 0 && (
        <div className={classes.columns}>
          <History snapshots={data} selected={selected?.id} compared={compared} />
          {selected === undefined ? (
            <EmptyState icon={IconCamera} title="There is no such snapshot">
              It may have been forgotten with its run. Choose one of the history.
            </EmptyState>
          ) : (
            <SnapshotDetails key={selected.id} snapshot={selected} all={data} />
          )}
        </div>
      )}
    </>
  );
}
