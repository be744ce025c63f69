import { Button, List, Text } from '@mantine/core';
import { IconShieldCheck } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { SnapshotView, VerifyAnswer } from '../../../../src/protocol/snapshots.ts';
import { path, send } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { useOperation } from '../../app/operation.ts';
import { formatBytes } from '../../parts/amounts.ts';
import { StateLabel } from '../../parts/badges.tsx';
import { OperationProgress } from '../../parts/operation-progress.tsx';
import classes from './page.module.css';

/** Reads every byte that the snapshot needs, and compares each digest. */
export function VerifySnapshot({ snapshot }: { snapshot: SnapshotView }): ReactNode {
  const [operation, setOperation] = useState<string>();
  const progress = useOperation(operation);
  const verify = useMutation({
    mutationFn: () => {
      const name = crypto.randomUUID();
      setOperation(name);
      const address = path`/api/snapshots/${snapshot.id}/verify`;
      return send<VerifyAnswer>('POST', `${address}?operation=${name}`, {});
    },
  });
  const found = verify.data;
  return (
    <>
      <div className={classes.tools}>
        <Button
          variant="default"
          leftSection={<IconShieldCheck size={16} aria-hidden />}
          loading={verify.isPending}
          onClick={() => {
            verify.mutate();
          }}
        >
          Verify
        </Button>
        <Text size="sm" c="dimmed" flex={1} miw={220} style={{ alignSelf: 'center' }}>
          {found === undefined || verify.isPending ? (
            'Reads every byte back from the store and compares each digest.'
          ) : (
            <>
              <StateLabel tone={found.ok ? 'good' : 'bad'}>
                {found.ok ? 'Whole' : 'Damaged'}
              </StateLabel>{' '}
              {found.objects} objects, {formatBytes(found.bytes)} read and digested
            </>
          )}
        </Text>
      </div>
      {(verify.isPending || verify.error !== null || (found && !found.ok)) && (
        <div className={classes.status}>
          {verify.isPending && <OperationProgress event={progress} />}
          {verify.error !== null && <ErrorDisplay error={verify.error} />}
          <List size="sm">
            {found?.problems.map(({ object, message }) => (
              <List.Item key={object}>
                <span className="mono">{object}</span>: {message}
              </List.Item>
            ))}
          </List>
        </div>
      )}
    </>
  );
}
