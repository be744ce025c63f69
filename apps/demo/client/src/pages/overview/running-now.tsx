import { Button, Skeleton, Text } from '@mantine/core';
import { IconBox } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { sandboxesQuery } from '../../app/queries.ts';
import { Ago } from '../../parts/ago.tsx';
import { ProviderName, SandboxState } from '../../parts/badges.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import classes from './page.module.css';

/** The newest of the sandboxes that are there. */
const SHOWN = 6;

/** What is there on this machine now. */
export function RunningNow(): ReactNode {
  const { data, error, refetch } = useQuery(sandboxesQuery);
  const newest = data?.toSorted((a, b) => b.createdAt - a.createdAt).slice(0, SHOWN);
  return (
    <section className={classes.panel} aria-labelledby="running">
      <div className={classes.panelHead}>
        <h2 id="running">Sandboxes now</h2>
        <Link href="/sandboxes">{data === undefined ? 'All' : `All ${data.length}`}</Link>
      </div>
      {error !== null && <ErrorDisplay error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton h={220} />}
      {newest?.length === 0 && (
        <EmptyState
          icon={IconBox}
          title="No sandbox yet"
          action={
            <Button component={Link} href="/sandboxes?create=1" variant="default">
              Make the first
            </Button>
          }
        >
          Start from a template, and see the plan before it is done.
        </EmptyState>
      )}
      <ul className={classes.rows}>
        {newest?.map((sandbox) => (
          <li key={sandbox.id}>
            <Link href={`/sandboxes/${encodeURIComponent(sandbox.id)}`} className={classes.live}>
              <Text span fw={550} size="sm" truncate>
                {sandbox.name}
              </Text>
              <SandboxState state={sandbox.state} />
              <Text span size="xs" c="dimmed">
                <ProviderName id={sandbox.provider} emulated={sandbox.emulated} />
              </Text>
              <Text span size="xs" c="dimmed" ta="right">
                <Ago at={sandbox.createdAt} />
              </Text>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
