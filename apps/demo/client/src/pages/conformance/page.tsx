import { Skeleton, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { conformanceQuery } from '../../app/queries.ts';
import { useSearch } from '../../app/use-search.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { KillMatrix } from './kill-matrix.tsx';
import { Reports } from './reports.tsx';
import { StartSuite } from './start-suite.tsx';
import { SuiteRuns } from './suite-runs.tsx';

/** What proves a provider right: the suite, its reports, and what proves the suite itself. */
export default function ConformancePage(): ReactNode {
  const [tab, setTab] = useSearch('show');
  const { data, error, refetch } = useQuery(conformanceQuery);
  const checks = data?.profiles.reduce((sum, profile) => sum + profile.checks, 0);
  return (
    <>
      <PageHeader
        title="Conformance"
        about={
          checks === undefined || data === undefined
            ? 'One public suite for every provider.'
            : `One public suite for every provider: ${checks} checks in ${data.profiles.length} profiles, each proven by a provider that is broken on purpose.`
        }
      />
      {error !== null && <ErrorDisplay error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton h={480} />}
      {data !== undefined && (
        <>
          <StartSuite profiles={data.profiles} />
          <Tabs
            mt="lg"
            value={tab || 'reports'}
            onChange={(value) => {
              setTab(value ?? '');
            }}
            keepMounted={false}
          >
            <Tabs.List>
              <Tabs.Tab value="reports">Committed reports</Tabs.Tab>
              <Tabs.Tab value="runs">Runs here ({data.runs.length})</Tabs.Tab>
              <Tabs.Tab value="matrix">Kill matrix</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="reports" pt="md">
              <Reports reports={data.reports} />
            </Tabs.Panel>
            <Tabs.Panel value="runs" pt="md">
              <SuiteRuns runs={data.runs} />
            </Tabs.Panel>
            <Tabs.Panel value="matrix" pt="md">
              <KillMatrix matrix={data.matrix} />
            </Tabs.Panel>
          </Tabs>
        </>
      )}
    </>
  );
}
