import { Skeleton, Stack, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import {
  type ComponentType,
  lazy,
  type LazyExoticComponent,
  type ReactNode,
  Suspense,
  useState,
} from 'react';
import { useLocation, useParams } from 'wouter';
import type { SandboxDetails } from '../../../../src/protocol/sandboxes.ts';
import { ApiError } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { sandboxQuery } from '../../app/queries.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { AsleepNotice } from './asleep-notice.tsx';
import { SandboxHeader } from './sandbox-header.tsx';
import classes from './page.module.css';

/** What each tab is given. */
interface TabProps {
  readonly sandbox: SandboxDetails;
  /** It is in view, not behind another tab. */
  readonly isShown: boolean;
}

interface Tab {
  readonly id: string;
  readonly label: string;
  readonly panel: LazyExoticComponent<ComponentType<TabProps>>;
  /** It looks into the sandbox, which must run for that. */
  readonly needsRunning: boolean;
}

const tabs: readonly Tab[] = [
  {
    id: 'terminal',
    label: 'Terminal',
    panel: lazy(() => import('./terminal-tab.tsx')),
    needsRunning: true,
  },
  {
    id: 'files',
    label: 'Files',
    panel: lazy(() => import('./files/files-tab.tsx')),
    needsRunning: true,
  },
  {
    id: 'processes',
    label: 'Processes',
    panel: lazy(() => import('./processes-tab.tsx')),
    needsRunning: true,
  },
  {
    id: 'ports',
    label: 'Ports',
    panel: lazy(() => import('./ports-tab.tsx')),
    needsRunning: true,
  },
  {
    id: 'resources',
    label: 'Resources',
    panel: lazy(() => import('./resources/resources-tab.tsx')),
    needsRunning: true,
  },
  {
    id: 'about',
    label: 'About',
    panel: lazy(() => import('./about-tab.tsx')),
    needsRunning: false,
  },
];

/** One sandbox: its parts as tabs, each with an address of its own. */
export default function SandboxPage(): ReactNode {
  const { id, tab: wanted } = useParams<{ id: string; tab?: string }>();
  const { data, error, refetch } = useQuery(sandboxQuery(id));
  if (data === undefined && error !== null) {
    return (
      <>
        <PageHeader title="Sandbox" parent={{ label: 'Sandboxes', href: '/sandboxes' }} />
        <ErrorDisplay
          error={error}
          title={
            error instanceof ApiError && error.code === 'not-found'
              ? 'This sandbox is not there any more'
              : 'This sandbox could not be looked at'
          }
          retry={() => void refetch()}
        />
      </>
    );
  }
  if (data === undefined) {
    return (
      <Stack gap="md" aria-busy aria-label="Loading the sandbox">
        <Skeleton h={16} w={90} />
        <Skeleton h={32} w={240} />
        <Skeleton h={42} mt={20} />
        <Skeleton h={460} />
      </Stack>
    );
  }
  return <Sandbox key={id} sandbox={data} wanted={wanted} />;
}

function Sandbox({
  sandbox,
  wanted,
}: {
  sandbox: SandboxDetails;
  wanted: string | undefined;
}): ReactNode {
  const [, navigate] = useLocation();
  const current = tabs.find(({ id }) => id === wanted)?.id ?? 'terminal';
  // A tab that was looked at stays, so that going to another does not end the shell.
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set([current]));
  if (!seen.has(current)) setSeen(new Set([...seen, current]));
  return (
    <>
      <SandboxHeader sandbox={sandbox} />
      <Tabs
        value={current}
        keepMounted
        keepMountedMode="display-none"
        onChange={(value) => {
          const base = `/sandboxes/${encodeURIComponent(sandbox.id)}`;
          // The parameters are other tabs' own, such as the file that is open.
          navigate(`${base}/${value ?? 'terminal'}${window.location.search}`, { replace: true });
        }}
      >
        <Tabs.List className={classes.tabs}>
          {tabs.map(({ id, label }) => (
            <Tabs.Tab key={id} value={id}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tabs.map(({ id, panel: Panel, needsRunning }) => (
          <Tabs.Panel key={id} value={id} className={classes.panel}>
            {needsRunning && sandbox.state !== 'running'
              ? id === current && <AsleepNotice sandbox={sandbox} />
              : seen.has(id) && (
                  <Suspense fallback={<Skeleton h={480} />}>
                    <Panel sandbox={sandbox} isShown={id === current} />
                  </Suspense>
                )}
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  );
}
