import { Button, Skeleton, Text } from '@mantine/core';
import { IconPlus, IconRoute } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link, useSearchParams } from 'wouter';
import type { RunSummary } from '../../../../src/protocol/runs.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { moveByArrows } from '../../parts/arrow-keys.ts';
import { Ago } from '../../parts/ago.tsx';
import { StateLabel } from '../../parts/badges.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { runsQuery, stateLabels } from '../run/run-queries.ts';
import { NewRun } from './new-run.tsx';
import classes from './page.module.css';

/** Every run, and where a new one begins. */
export default function RunsPage(): ReactNode {
  const { data, error, refetch } = useQuery(runsQuery);
  const [search, setSearch] = useSearchParams();
  const show = (opened: boolean): void => {
    setSearch(opened ? { new: '1' } : {});
  };
  const begin = (
    <Button
      leftSection={<IconPlus size={16} aria-hidden />}
      onClick={() => {
        show(true);
      }}
    >
      New run
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Runs"
        about="Durable work in many sandboxes. Kill a sandbox or the process that drives the run: what was recorded is never done twice, and the workspace comes back from its last checkpoint."
        actions={begin}
      />
      <NewRun
        opened={search.has('new')}
        onClose={() => {
          show(false);
        }}
      />
      {error !== null && <ErrorDisplay error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton h={180} />}
      {data?.length === 0 && (
        <EmptyState icon={IconRoute} title="No run yet" action={begin}>
          The clinical-records run reads 23 sample records, each in a sandbox of its own. It takes
          under a minute.
        </EmptyState>
      )}
      {data !== undefined && data.length > 0 && (
        <ul className={classes.list} aria-label="Runs" onKeyDown={moveByArrows}>
          {data.map((run) => (
            <RunRow key={run.id} run={run} />
          ))}
        </ul>
      )}
    </>
  );
}

function RunRow({ run }: { run: RunSummary }): ReactNode {
  const { tone, label, busy } = stateLabels[run.state];
  const share = (run.documentsDone / Math.max(1, run.documents)) * 100;
  return (
    <li>
      <Link href={`/runs/${run.id}`} className={classes.row} data-row>
        <span className={classes.name}>
          <Text span fw={600} size="sm">
            {run.job}
          </Text>
          <Text span size="xs" c="dimmed" className="mono">
            {run.id}
          </Text>
        </span>
        <StateLabel tone={tone} busy={busy}>
          {label}
        </StateLabel>
        <span className={classes.progress}>
          <span className={classes.bar} aria-hidden>
            <span data-tone={tone} style={{ width: `${share}%` }} />
          </span>
          <Text span size="xs" c="dimmed" className="numbers">
            {run.documentsDone} of {run.documents} documents
          </Text>
        </span>
        <Text span size="xs" c="dimmed">
          {run.providers.join(', ')}
        </Text>
        <Text span size="xs" c="dimmed" className="numbers">
          {run.events} events
        </Text>
        <Text span size="xs" c="dimmed" ta="right">
          <Ago at={run.startedAt} />
        </Text>
      </Link>
    </li>
  );
}
