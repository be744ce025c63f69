import { ActionIcon, Button, Group, Select, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { IconCamera, IconPlus, IconX } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { Link, useLocation } from 'wouter';
import type { CompareRequest } from '../../../../src/protocol/compare.ts';
import { send } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { providersQuery, snapshotsQuery, stateQuery } from '../../app/queries.ts';
import { useSearch } from '../../app/use-search.ts';
import { EmptyState } from '../../parts/empty-state.tsx';
import { startingTask } from './starting-task.ts';
import { WorkChoice } from './work-choice.tsx';
import classes from './page.module.css';

interface DraftBranch {
  readonly key: number;
  readonly provider: string | undefined;
  readonly command: string;
  /** Absent: nobody has written one yet, and there is one to start from. */
  readonly task?: string | undefined;
}

const MOST = 16;
const first: readonly DraftBranch[] = [
  { key: 0, provider: undefined, command: 'ls -la; echo one > branch.txt' },
  { key: 1, provider: undefined, command: 'echo two > branch.txt; du -sk .' },
];

/** Sets up a comparison and begins it. */
export function NewComparison(): ReactNode {
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const [snapshot, setSnapshot] = useSearch('snapshot');
  const { data: snapshots } = useQuery(snapshotsQuery);
  const { data: providers } = useQuery(providersQuery);
  const [branches, setBranches] = useState(first);
  const [work, setWork] = useSearch('work');
  const isAgent = work === 'agent';
  const { data: state } = useQuery(stateQuery);
  const taskOf = ({ key, task }: DraftBranch): string =>
    task ?? (state === undefined ? '' : startingTask(key, state.model));
  const ready = providers?.filter((provider) => provider.ready) ?? [];
  const newest = snapshots?.toSorted((a, b) => b.createdAt - a.createdAt) ?? [];
  const chosen = snapshot || newest[0]?.id;
  const begin = useMutation({
    mutationFn: (request: CompareRequest) =>
      send<{ readonly id: string }>('POST', '/api/compare', request),
    onSuccess: ({ id }) => {
      void client.invalidateQueries({ queryKey: ['compare'] });
      navigate(`/compare/${id}`);
    },
  });
  const providerOf = (branch: DraftBranch): string => branch.provider ?? ready[0]?.id ?? 'local';
  const change = (key: number, change_: Partial<DraftBranch>): void => {
    setBranches(branches.map((each) => (each.key === key ? { ...each, ...change_ } : each)));
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (chosen === undefined) return;
    begin.mutate({
      snapshot: chosen,
      branches: branches.map((branch) => ({
        provider: providerOf(branch),
        ...(isAgent ? { task: taskOf(branch) } : { command: branch.command }),
      })),
    });
  };
  if (snapshots?.length === 0)
    return (
      <EmptyState
        icon={IconCamera}
        title="A comparison begins with a snapshot"
        action={
          <Button component={Link} href="/sandboxes">
            To the sandboxes
          </Button>
        }
      >
        Take one of a sandbox; then each branch begins with exactly its contents.
      </EmptyState>
    );
  return (
    <form className={classes.form} onSubmit={submit} aria-label="New comparison">
      <Stack gap="md">
        <Select
          label="Snapshot"
          description="Each branch begins with exactly its contents."
          searchable
          allowDeselect={false}
          value={chosen ?? null}
          onChange={(value) => {
            setSnapshot(value ?? '');
          }}
          data={newest.map(({ id, name }) => ({ value: id, label: name ?? id.slice(0, 12) }))}
        />
        <WorkChoice
          isAgent={isAgent}
          onChange={(agent) => {
            setWork(agent ? 'agent' : '');
          }}
        />
        <fieldset className={classes.branches}>
          <legend>Branches</legend>
          {branches.map((branch, index) => (
            <div key={branch.key} className={classes.branch} data-agent={isAgent || undefined}>
              <Text size="sm" c="dimmed" className="numbers" w={18}>
                {index + 1}
              </Text>
              <Select
                aria-label={`Provider of branch ${index + 1}`}
                w={190}
                allowDeselect={false}
                value={providerOf(branch)}
                onChange={(value) => {
                  change(branch.key, { provider: value ?? undefined });
                }}
                data={ready.map(({ id, emulated }) => ({
                  value: id,
                  label: emulated ? `${id} (emulated)` : id,
                }))}
              />
              {isAgent ? (
                <Textarea
                  aria-label={`Task of branch ${index + 1}`}
                  className={classes.taskField}
                  autosize
                  minRows={2}
                  maxRows={10}
                  value={taskOf(branch)}
                  onChange={(event) => {
                    change(branch.key, { task: event.currentTarget.value });
                  }}
                />
              ) : (
                <TextInput
                  aria-label={`Command of branch ${index + 1}`}
                  className={classes.command}
                  value={branch.command}
                  onChange={(event) => {
                    change(branch.key, { command: event.currentTarget.value });
                  }}
                />
              )}
              <ActionIcon
                variant="subtle"
                color="gray"
                size="lg"
                aria-label={`Remove branch ${index + 1}`}
                disabled={branches.length === 1}
                onClick={() => {
                  setBranches(branches.filter(({ key }) => key !== branch.key));
                }}
              >
                <IconX size={16} />
              </ActionIcon>
            </div>
          ))}
        </fieldset>
        {begin.error !== null && <ErrorDisplay error={begin.error} />}
        <Group justify="space-between">
          <Button
            variant="default"
            leftSection={<IconPlus size={16} aria-hidden />}
            disabled={branches.length >= MOST}
            onClick={() => {
              const last = branches.at(-1);
              const key = Math.max(...branches.map((each) => each.key)) + 1;
              const { provider, command = '' } = last ?? {};
              const task = last && taskOf(last);
              setBranches([...branches, { key, provider, command, task }]);
            }}
          >
            Add a branch
          </Button>
          <Button
            type="submit"
            loading={begin.isPending}
            disabled={
              chosen === undefined ||
              ready.length === 0 ||
              branches.some((each) => (isAgent ? taskOf(each) : each.command).trim() === '')
            }
          >
            Fork and run
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
