import { Anchor, Button, Select, Text } from '@mantine/core';
import { IconArrowRight } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import type { OperationAnswer } from '../../../../src/protocol/sandboxes.ts';
import type { RehydrateRequest, SnapshotView } from '../../../../src/protocol/snapshots.ts';
import { path, send } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { failure, operationEnd, useOperation } from '../../app/operation.ts';
import { keys, providersQuery } from '../../app/queries.ts';
import { OperationProgress } from '../../parts/operation-progress.tsx';
import { StateLabel } from '../../parts/badges.tsx';
import classes from './page.module.css';

/** Makes a sandbox with exactly this snapshot's contents, on any provider that is ready. */
export function Rehydrate({ snapshot }: { snapshot: SnapshotView }): ReactNode {
  const client = useQueryClient();
  const { data: providers } = useQuery(providersQuery);
  const ready = providers?.filter((provider) => provider.ready) ?? [];
  const another = ready.find(({ id }) => id !== snapshot.provider) ?? ready[0];
  const [chosen, setChosen] = useState<string | null>(null);
  const provider = chosen ?? another?.id;
  const [operation, setOperation] = useState<string>();
  const progress = useOperation(operation);
  const rehydrate = useMutation({
    mutationFn: async (request: RehydrateRequest) => {
      const answer = await send<OperationAnswer>(
        'POST',
        path`/api/snapshots/${snapshot.id}/rehydrate`,
        request,
      );
      setOperation(answer.operation);
      return operationEnd(answer.operation);
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.sandboxes }),
  });
  const failed = progress?.state === 'failed' ? failure(progress) : rehydrate.error;
  return (
    <>
      <div className={classes.tools}>
        <Select
          label="Rehydrate on"
          w={240}
          value={provider ?? null}
          placeholder={providers === undefined ? 'Looking for providers' : 'No provider is ready'}
          allowDeselect={false}
          onChange={setChosen}
          data={ready.map(({ id, emulated }) => ({
            value: id,
            label: `${id}${emulated ? ' (emulated)' : ''}${id === snapshot.provider ? ', where it was taken' : ''}`,
          }))}
        />
        <Button
          disabled={provider === undefined}
          loading={rehydrate.isPending}
          onClick={() => {
            if (provider !== undefined) rehydrate.mutate({ provider });
          }}
        >
          Rehydrate
        </Button>
      </div>
      {operation !== undefined && (
        <div className={classes.status}>
          {failed !== null && <ErrorDisplay error={failed} title="It was not rehydrated" />}
          {failed === null && progress?.state !== 'done' && <OperationProgress event={progress} />}
          {progress?.state === 'done' && progress.sandbox !== undefined && (
            <Text size="sm" role="status">
              <StateLabel tone="good">Rehydrated, equal by digest</StateLabel>{' '}
              <Anchor
                component={Link}
                ml={8}
                href={`/sandboxes/${encodeURIComponent(progress.sandbox)}`}
              >
                Open the sandbox{' '}
                <IconArrowRight size={14} aria-hidden style={{ verticalAlign: -2 }} />
              </Anchor>
            </Text>
          )}
        </div>
      )}
      {operation === undefined && rehydrate.error !== null && (
        <div className={classes.status}>
          <ErrorDisplay error={rehydrate.error} title="It was not rehydrated" />
        </div>
      )}
    </>
  );
}
