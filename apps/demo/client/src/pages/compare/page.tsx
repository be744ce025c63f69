import { Skeleton, Text } from '@mantine/core';
import { queryOptions, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link, useParams } from 'wouter';
import type { ComparisonView } from '../../../../src/protocol/compare.ts';
import { get, path } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { moveByArrows } from '../../parts/arrow-keys.ts';
import { Ago } from '../../parts/ago.tsx';
import { ScriptedBadge, StateLabel } from '../../parts/badges.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import list from '../runs/page.module.css';
import { Comparison, comparisonState } from './comparison.tsx';
import { isScripted } from './scripted.ts';
import { NewComparison } from './new-comparison.tsx';

const comparisonsQuery = queryOptions({
  queryKey: ['compare'],
  queryFn: ({ signal }) => get<readonly ComparisonView[]>('/api/compare', signal),
});

/** One snapshot, several branches of it on one or several providers, side by side. */
export default function ComparePage(): ReactNode {
  const { id } = useParams<{ id?: string }>();
  return id === undefined ? <Begin /> : <One key={id} id={id} />;
}

function Begin(): ReactNode {
  const { data, error, refetch } = useQuery(comparisonsQuery);
  return (
    <>
      <PageHeader
        title="Fork and compare"
        about="One snapshot, a sandbox with its contents for each branch, a command or an agent in each: see what each took, said and changed, and keep the best."
      />
      <NewComparison />
      {error !== null && <ErrorDisplay error={error} retry={() => void refetch()} />}
      {data !== undefined && data.length > 0 && (
        <>
          <Text component="h2" fw={620} fz={16} mt="xl" mb="sm">
            Earlier
          </Text>
          <ul className={list.list} aria-label="Earlier comparisons" onKeyDown={moveByArrows}>
            {data.map((comparison) => (
              <Row key={comparison.id} comparison={comparison} />
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function Row({ comparison }: { comparison: ComparisonView }): ReactNode {
  const { id, snapshot, branches, startedAt } = comparison;
  const { tone, label, busy } = comparisonState(comparison);
  return (
    <li>
      <Link href={`/compare/${id}`} className={list.row} data-row>
        <span className={list.name}>
          <Text span size="sm" fw={600} truncate>
            {(branches[0]?.task ?? branches[0]?.command)?.split('\n')[0]}
          </Text>
          <Text span size="xs" c="dimmed" className="mono">
            {snapshot.slice(0, 12)}
          </Text>
        </span>
        <StateLabel tone={tone} busy={busy}>
          {label}
        </StateLabel>
        <Text span size="sm" c="dimmed">
          {branches.length} branches
          {branches.some(isScripted) && (
            <>
              {' '}
              <ScriptedBadge />
            </>
          )}
        </Text>
        <Text span size="xs" c="dimmed">
          {[...new Set(branches.map(({ provider }) => provider))].join(', ')}
        </Text>
        <span />
        <Text span size="xs" c="dimmed" ta="right">
          <Ago at={startedAt} />
        </Text>
      </Link>
    </li>
  );
}

function One({ id }: { id: string }): ReactNode {
  const { data, error, refetch } = useQuery({
    queryKey: ['compare', id],
    queryFn: ({ signal }) => get<ComparisonView>(path`/api/compare/${id}`, signal),
  });
  if (error !== null && data === undefined)
    return <ErrorDisplay error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton h={480} aria-label="The comparison is being read" />;
  return <Comparison comparison={data} />;
}
