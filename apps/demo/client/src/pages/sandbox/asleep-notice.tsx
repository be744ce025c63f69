import { Button } from '@mantine/core';
import { IconMoon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { SandboxDetails } from '../../../../src/protocol/sandboxes.ts';
import { useSandboxActions } from '../../app/sandbox-actions.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';

/** In place of what only a running sandbox can show. */
export function AsleepNotice({ sandbox }: { sandbox: SandboxDetails }): ReactNode {
  const { resume } = useSandboxActions(sandbox);
  const isSuspended = sandbox.state === 'suspended';
  return (
    <EmptyState
      icon={IconMoon}
      title={isSuspended ? 'It is suspended' : `It is ${sandbox.state}`}
      action={
        isSuspended && (
          <Button
            loading={resume.isPending}
            onClick={() => {
              resume.mutate();
            }}
          >
            Resume
          </Button>
        )
      }
    >
      {isSuspended
        ? 'Everything in it is kept. Resume it to look inside and go on.'
        : 'There is nothing to look into. What was kept of it is under About and Snapshots.'}
    </EmptyState>
  );
}
