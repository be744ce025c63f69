import { Anchor, Button, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import type { BranchRequest, ComparisonView } from '../../../../src/protocol/compare.ts';
import { path, send } from '../../app/api.ts';
import { stateQuery } from '../../app/queries.ts';
import { ConfirmButton } from '../../parts/confirm-button.tsx';
import { StateLabel } from '../../parts/badges.tsx';
import { CopyAsCode } from '../../parts/copy-as-code.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import { BranchCard } from './branch-card.tsx';
import { BranchTimeline } from './branch-timeline.tsx';
import { compareCode } from './compare-code.ts';
import classes from './page.module.css';

/** One comparison as it happens: its branches over time, then side by side. */
export function Comparison({ comparison }: { comparison: ComparisonView }): ReactNode {
  const { id, snapshot, branches } = comparison;
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const { data: state } = useQuery(stateQuery);
  const { tone, label, busy } = comparisonState(comparison);
  const refresh = (): Promise<void> => client.invalidateQueries({ queryKey: ['compare'] });
  const fail = (title: string) => (error: Error) => {
    notifications.show({ color: 'red', title, message: error.message });
  };
  const keep = useMutation({
    mutationFn: (branch: number) =>
      send('POST', path`/api/compare/${id}/keep`, { branch } satisfies BranchRequest),
    onSuccess: refresh,
    onError: fail('Nothing was kept'),
  });
  const stop = useMutation({
    mutationFn: (branch: number) =>
      send('POST', path`/api/compare/${id}/stop`, { branch } satisfies BranchRequest),
    onSuccess: refresh,
    onError: fail('It could not be stopped'),
  });
  const remove = useMutation({
    mutationFn: () => send('DELETE', path`/api/compare/${id}`),
    onSuccess: () => {
      void refresh();
      navigate('/compare');
    },
    onError: fail('It could not be ended'),
  });
  const kept = comparison.kept === undefined ? undefined : branches[comparison.kept];
  return (
    <>
      <PageHeader
        parent={{ label: 'Fork and compare', href: '/compare' }}
        title={`${branches.length} branches`}
        badges={
          <StateLabel tone={tone} busy={busy}>
            {label}
          </StateLabel>
        }
        about={
          <>
            of snapshot{' '}
            <Anchor component={Link} href={`/snapshots/${snapshot}`} className="mono">
              {snapshot.slice(0, 16)}
            </Anchor>
          </>
        }
        actions={
          <>
            <CopyAsCode {...compareCode(comparison, `${state?.stateDirectory ?? '.'}/snapshots`)} />
            {kept?.sandbox !== undefined && (
              <Button component={Link} href={`/sandboxes/${encodeURIComponent(kept.sandbox)}`}>
                Open the kept sandbox
              </Button>
            )}
            <ConfirmButton
              label="End it"
              question="End this comparison?"
              consequence={
                kept === undefined
                  ? 'The sandboxes of all branches are destroyed. Their snapshots stay.'
                  : 'It is forgotten. The kept sandbox and all snapshots stay.'
              }
              onConfirm={() => {
                remove.mutate();
              }}
            />
          </>
        }
      />
      <Stack gap="lg">
        <BranchTimeline comparison={comparison} />
        <div className={classes.cards}>
          {branches.map((branch) => (
            <BranchCard
              key={branch.index}
              branch={branch}
              base={snapshot}
              canKeep={
                comparison.kept === undefined &&
                branch.sandbox !== undefined &&
                branch.state !== 'gone'
              }
              keeping={keep.isPending && keep.variables === branch.index}
              onKeep={() => {
                keep.mutate(branch.index);
              }}
              stopping={stop.isPending && stop.variables === branch.index}
              onStop={() => {
                stop.mutate(branch.index);
              }}
            />
          ))}
        </div>
        {sameTrees(comparison) && (
          <Text size="sm" c="dimmed">
            All branches ended with the same contents, equal by digest.
          </Text>
        )}
      </Stack>
    </>
  );
}

function sameTrees({ branches }: ComparisonView): boolean {
  const trees = new Set(branches.map(({ tree }) => tree));
  return branches.length > 1 && trees.size === 1 && !trees.has(undefined);
}

/** How a comparison's state is told. */
export function comparisonState({ state, kept, branches }: ComparisonView): {
  tone: 'good' | 'warn' | 'bad' | 'idle' | 'active';
  label: string;
  busy: boolean;
} {
  if (state === 'running') return { tone: 'active', label: 'running', busy: true };
  if (kept !== undefined) return { tone: 'good', label: `branch ${kept + 1} kept`, busy: false };
  if (state === 'stopped') return { tone: 'idle', label: 'stopped', busy: false };
  const failed = branches.filter((branch) => branch.state === 'failed').length;
  if (failed > 0) return { tone: 'bad', label: `${failed} failed`, busy: false };
  return { tone: 'good', label: 'done', busy: false };
}
