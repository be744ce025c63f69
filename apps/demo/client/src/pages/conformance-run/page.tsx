import { Button, Group, Menu, Progress, Skeleton, Stack, Text } from '@mantine/core';
import { IconDownload, IconPlayerStop } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import { useParams } from 'wouter';
import type { ConformanceRunDetails } from '../../../../src/protocol/conformance.ts';
import { get, path, send } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { useServerEvents } from '../../app/event-stream.tsx';
import { useSearch } from '../../app/use-search.ts';
import { formatDuration } from '../../parts/amounts.ts';
import { EmulatedBadge, StateLabel } from '../../parts/badges.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { against, suiteState } from '../conformance/suite-runs.tsx';
import { useNow } from '../run/run-queries.ts';
import { CheckDetails } from './check-details.tsx';
import { ProfileChecks } from './profile-checks.tsx';
import classes from './page.module.css';

/** One run of the suite, live: each check as it begins and ends. */
export default function ConformanceRunPage(): ReactNode {
  const { id } = useParams<{ id: string }>();
  const client = useQueryClient();
  const queryKey = ['conformance-run', id];
  const { data, error, refetch } = useQuery({
    queryKey,
    queryFn: ({ signal }) => get<ConformanceRunDetails>(path`/api/conformance/${id}`, signal),
  });
  useServerEvents((event) => {
    if (event.type === 'conformance' && event.run.id === id)
      client.setQueryData<ConformanceRunDetails>(
        queryKey,
        (known) => known && { ...known, ...event.run },
      );
    if (event.type !== 'check' || event.run !== id) return;
    client.setQueryData<ConformanceRunDetails>(queryKey, (known) => {
      if (known === undefined) return known;
      const at = known.checks.findIndex((check) => check.id === event.check.id);
      const checks =
        at === -1 ? [...known.checks, event.check] : known.checks.with(at, event.check);
      return { ...known, checks };
    });
  });
  if (error !== null && data === undefined)
    return <ErrorDisplay error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton h={480} aria-label="The run is being read" />;
  return <SuiteRun run={data} />;
}

const forms = [
  ['json', 'Report (JSON)'],
  ['html', 'Report (page)'],
  ['junit', 'JUnit XML'],
] as const;

function SuiteRun({ run }: { run: ConformanceRunDetails }): ReactNode {
  const { id, provider, emulated, state, ended, total, counts, startedAt, endedAt } = run;
  const [open, setOpen] = useSearch('check');
  const now = useNow(state === 'running');
  const { tone, label, busy } = suiteState(run);
  const cancel = useMutation({ mutationFn: () => send('DELETE', path`/api/conformance/${id}`) });
  const profiles = useMemo(
    () => [...Map.groupBy(run.checks, ({ profile }) => profile)],
    [run.checks],
  );
  const opened = run.checks.find((check) => check.id === open);
  const failed = run.checks.filter(({ result }) => isAgainst(result?.status));
  const took = formatDuration(Math.max(0, (endedAt ?? now) - startedAt));
  return (
    <>
      <PageHeader
        parent={{ label: 'Conformance', href: '/conformance?show=runs' }}
        title={provider}
        badges={
          <>
            {emulated && <EmulatedBadge />}
            <StateLabel tone={tone} busy={busy}>
              {label}
            </StateLabel>
          </>
        }
        about={
          run.profiles.length === 0 ? 'The whole suite' : `Profiles: ${run.profiles.join(', ')}`
        }
        actions={
          state === 'running' ? (
            <Button
              variant="default"
              leftSection={<IconPlayerStop size={16} aria-hidden />}
              loading={cancel.isPending}
              onClick={() => {
                cancel.mutate();
              }}
            >
              Cancel
            </Button>
          ) : (
            <Menu position="bottom-end" shadow="md" disabled={state !== 'done'}>
              <Menu.Target>
                <Button
                  variant="default"
                  disabled={state !== 'done'}
                  leftSection={<IconDownload size={16} aria-hidden />}
                >
                  Download
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                {forms.map(([form, words]) => (
                  <Menu.Item
                    key={form}
                    component="a"
                    href={`/api/conformance/${id}/report?format=${form}&attachment=1`}
                    download
                  >
                    {words}
                  </Menu.Item>
                ))}
              </Menu.Dropdown>
            </Menu>
          )
        }
      />
      <Stack gap="lg">
        {run.problem !== undefined && (
          <ErrorDisplay error={new Error(run.problem)} title="The suite could not run" />
        )}
        {cancel.error !== null && <ErrorDisplay error={cancel.error} />}
        <section className={classes.sum} aria-label="Progress">
          <Progress.Root size="lg" aria-label="Checks that have ended">
            <Progress.Section
              value={(counts.pass / Math.max(1, total)) * 100}
              color="var(--good)"
              aria-label="passed"
            />
            <Progress.Section
              value={(counts.unsupported / Math.max(1, total)) * 100}
              color="var(--idle)"
              aria-label="not declared"
            />
            <Progress.Section
              value={(against(run) / Math.max(1, total)) * 100}
              color="var(--bad)"
              aria-label="failed"
            />
          </Progress.Root>
          <Group gap="lg" mt={10}>
            <Text size="sm" className="numbers" fw={600}>
              {ended} of {total} checks
            </Text>
            <StateLabel tone="good">{counts.pass} passed</StateLabel>
            <StateLabel tone="idle">{counts.unsupported} not declared</StateLabel>
            <StateLabel tone={against(run) === 0 ? 'idle' : 'bad'}>
              {against(run)} against it
            </StateLabel>
            <Text size="sm" c="dimmed" className="numbers">
              {took}
            </Text>
          </Group>
        </section>
        {failed.length > 0 && (
          <section className={classes.failures} aria-label="Failures">
            {failed.map((check) => (
              <button
                key={check.id}
                type="button"
                className={classes.failure}
                onClick={() => {
                  setOpen(check.id);
                }}
              >
                <StateLabel tone={check.result?.known === undefined ? 'bad' : 'warn'}>
                  {check.result?.known === undefined ? check.result?.status : 'known failure'}
                </StateLabel>
                <span className={classes.failureText}>
                  <b className="mono">{check.id}</b>
                  <Text span size="xs" c="dimmed" truncate>
                    {check.result?.message}
                  </Text>
                </span>
              </button>
            ))}
          </section>
        )}
        <div className={classes.profiles}>
          {profiles.map(([profile, checks]) => (
            <ProfileChecks key={profile} profile={profile} checks={checks} onOpen={setOpen} />
          ))}
        </div>
      </Stack>
      <CheckDetails
        check={opened}
        onClose={() => {
          setOpen('');
        }}
      />
    </>
  );
}

function isAgainst(status: string | undefined): boolean {
  return status === 'fail' || status === 'error' || status === 'untestable';
}
