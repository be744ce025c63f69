import { Alert, Button, SimpleGrid, Skeleton, Stack, Tabs, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconBolt, IconLink, IconPlayerPlay, IconRobot } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import type { KillSandboxRequest, RunView } from '../../../../src/protocol/runs.ts';
import { path, send } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { stateQuery } from '../../app/queries.ts';
import { StateLabel } from '../../parts/badges.tsx';
import { CopyAsCode } from '../../parts/copy-as-code.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { Asks } from './asks.tsx';
import { Moments } from './moment-list.tsx';
import { readMoments } from './moments.ts';
import { Results } from './results.tsx';
import { runCode } from './run-code.ts';
import { runQuery, stateLabels, useRunEvents } from './run-queries.ts';
import { TimelineChart } from './timeline-chart.tsx';
import { readTimeline, type RunTimeline } from './timeline.ts';
import classes from './page.module.css';

/** One run as it happens. */
export default function RunPage(): ReactNode {
  const { id } = useParams<{ id: string }>();
  const { data: run, error, refetch } = useQuery(runQuery(id));
  if (error !== null && run === undefined)
    return <ErrorDisplay error={error} retry={() => void refetch()} />;
  if (run === undefined) return <Skeleton h={480} aria-label="The run is being read" />;
  return <Run run={run} />;
}

function Run({ run }: { run: RunView }): ReactNode {
  const { id } = run;
  const { tab = 'results' } = useParams<{ tab?: string }>();
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const { data: events = [] } = useRunEvents(id);
  const { data: state } = useQuery(stateQuery);
  const timeline = useMemo(
    () => readTimeline(events, run.harness.alive),
    [events, run.harness.alive],
  );
  const moments = useMemo(() => readMoments(events, (scope) => nameOf(run, scope)), [events, run]);
  const refresh = (): void => {
    void client.invalidateQueries({ queryKey: ['runs'] });
  };
  const fail = (title: string) => (error: Error) => {
    notifications.show({ color: 'red', title, message: error.message });
  };
  const killSandbox = useMutation({
    mutationFn: (scope: string | undefined) =>
      send<{ sandbox: string }>('POST', path`/api/runs/${id}/kill-sandbox`, {
        ...(scope === undefined ? {} : { scope }),
      } satisfies KillSandboxRequest),
    onSuccess: ({ sandbox }) => {
      notifications.show({
        title: 'Sandbox killed',
        message: `${sandbox.slice(0, 20)} is gone. Watch its lane.`,
      });
    },
    onError: fail('Nothing was killed'),
  });
  const killHarness = useMutation({
    mutationFn: () => send<{ pid: number }>('POST', path`/api/runs/${id}/kill-harness`, {}),
    onSuccess: ({ pid }) => {
      notifications.show({
        title: 'Harness killed',
        message: `SIGKILL to process ${pid}. Its journal is all that is left.`,
      });
      refresh();
    },
    onError: fail('Nothing was killed'),
  });
  const resume = useMutation({
    mutationFn: () => send('POST', path`/api/runs/${id}/resume`, {}),
    onSuccess: refresh,
    onError: fail('It could not go on'),
  });
  const { tone, label, busy } = stateLabels[run.state];
  const killing = killSandbox.isPending ? (killSandbox.variables ?? '') : undefined;
  return (
    <>
      <PageHeader
        parent={{ label: 'Runs', href: '/runs' }}
        title={<span className={classes.title}>{run.job}</span>}
        badges={
          <StateLabel tone={tone} busy={busy}>
            {label}
          </StateLabel>
        }
        about={<span className="mono">{run.id}</span>}
        actions={
          <>
            <Button
              component={Link}
              href={`/provenance/${id}`}
              variant="default"
              leftSection={<IconLink size={16} aria-hidden />}
            >
              Record
            </Button>
            <CopyAsCode {...runCode(run, state?.stateDirectory ?? '')} />
            {run.state === 'interrupted' || run.state === 'failed' ? (
              <Button
                leftSection={<IconPlayerPlay size={16} aria-hidden />}
                loading={resume.isPending}
                onClick={() => {
                  resume.mutate();
                }}
              >
                Go on with it
              </Button>
            ) : (
              <Button
                color="red"
                variant="light"
                leftSection={<IconBolt size={16} aria-hidden />}
                loading={killHarness.isPending}
                disabled={!run.harness.alive}
                onClick={() => {
                  killHarness.mutate();
                }}
              >
                Kill the harness
              </Button>
            )}
          </>
        }
      />
      <Stack gap="lg">
        {run.trouble !== undefined && (
          <Alert color="red" title="The run failed" styles={{ title: { color: 'var(--bad)' } }}>
            <Text size="sm" className={classes.trouble}>
              {run.trouble}
            </Text>
          </Alert>
        )}
        {run.agentSaid !== undefined && run.trouble === undefined && (
          <section className={classes.agent} aria-label="The model that writes the extractor">
            <IconRobot size={20} stroke={1.6} aria-hidden />
            <Text size="sm" className={classes.trouble}>
              {run.agentSaid.replaceAll(/^agent: /gm, '')}
            </Text>
          </section>
        )}
        {run.asks.map((ask) => (
          <Asks key={ask.id} run={run} ask={ask} />
        ))}
        <Figures run={run} timeline={timeline} />
        <TimelineChart
          run={run}
          timeline={timeline}
          onKill={killSandbox.mutate}
          killing={killing}
        />
        <Tabs
          value={tab}
          onChange={(value) => {
            navigate(`/runs/${id}/${value ?? 'results'}`, { replace: true });
          }}
          keepMounted={false}
        >
          <Tabs.List>
            <Tabs.Tab value="results">Results</Tabs.Tab>
            <Tabs.Tab value="moments">What happened</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="results" pt="md">
            <Results run={run} />
          </Tabs.Panel>
          <Tabs.Panel value="moments" pt="md">
            <Moments moments={moments} start={timeline.startedAt} run={id} />
          </Tabs.Panel>
        </Tabs>
      </Stack>
    </>
  );
}

function Figures({ run, timeline }: { run: RunView; timeline: RunTimeline }): ReactNode {
  const attempts = [...timeline.lanes.values()].flatMap((lane) => lane.attempts);
  const lost = attempts.filter(({ outcome }) => outcome === 'lost').length;
  const stays = timeline.stays.filter((stay) => stay.lost).length;
  const killed = timeline.drivers.filter(({ ended }) => ended === 'killed').length;
  const fields = run.results.reduce((sum, result) => sum + result.fields, 0);
  const rehydrated = timeline.stays.filter(({ how }) => how === 'rehydrated').length;
  const figures = [
    [`${run.documentsDone} of ${run.documents}`, 'documents recorded'],
    [fields.toLocaleString('en'), 'values found in place'],
    [String(lost + stays), lost + stays === 1 ? 'sandbox lost' : 'sandboxes lost'],
    [String(killed), killed === 1 ? 'harness killed' : 'harnesses killed'],
    [String(rehydrated), rehydrated === 1 ? 'rehydration' : 'rehydrations'],
  ] as const;
  return (
    <SimpleGrid cols={{ base: 2, sm: 5 }} spacing="sm">
      {figures.map(([number, label]) => (
        <div key={label} className={classes.figure}>
          <Text fz={22} fw={620} lh={1.3} className="numbers">
            {number}
          </Text>
          <Text size="xs" c="dimmed">
            {label}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  );
}

function nameOf(run: RunView, scope: string): string {
  const [, wave, index] = /^\d+:(.+)\/(\d+)$/.exec(scope) ?? [];
  const found = run.list.find((each) => each.wave === wave && each.index === Number(index));
  return found?.name ?? scope;
}
