import { Button, CopyButton, Group, UnstyledButton } from '@mantine/core';
import { IconCamera, IconPlayerPause, IconPlayerPlay, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useLocation } from 'wouter';
import type { SandboxDetails } from '../../../../src/protocol/sandboxes.ts';
import { stateQuery } from '../../app/queries.ts';
import { useSandboxActions } from '../../app/sandbox-actions.tsx';
import { Ago, Until } from '../../parts/ago.tsx';
import { ProviderName, SandboxState } from '../../parts/badges.tsx';
import { ConfirmButton } from '../../parts/confirm-button.tsx';
import { CopyAsCode } from '../../parts/copy-as-code.tsx';
import { PageHeader } from '../../parts/page-header.tsx';
import classes from './page.module.css';
import { useSandboxSnippet, wholeSandboxCode } from './sandbox-snippet.ts';

/** Whose page this is, how it is, and what can be done with all of it. */
export function SandboxHeader({ sandbox }: { sandbox: SandboxDetails }): ReactNode {
  const [, navigate] = useLocation();
  const { destroy, suspend, resume, snapshot } = useSandboxActions(sandbox);
  const { data: server } = useQuery(stateQuery);
  const snippet = useSandboxSnippet(sandbox);
  const { name, state, provider, emulated, ref, createdAt, expiresAt, capabilities } = sandbox;
  const isRunning = state === 'running';
  return (
    <PageHeader
      parent={{ label: 'Sandboxes', href: '/sandboxes' }}
      title={name}
      badges={<SandboxState state={state} />}
      about={
        <Group gap="4px 14px">
          <ProviderName id={provider} emulated={emulated} />
          <CopyButton value={ref.id}>
            {({ copied, copy }) => (
              <UnstyledButton
                className={classes.id}
                title={`${ref.id}, copy it`}
                aria-label={`Copy the id ${ref.id}`}
                onClick={copy}
              >
                {copied ? 'copied' : ref.id.slice(0, 8)}
              </UnstyledButton>
            )}
          </CopyButton>
          <span>
            made <Ago at={createdAt} />
          </span>
          {expiresAt !== undefined && (
            <span>
              ends by itself <Until at={expiresAt} />
            </span>
          )}
        </Group>
      }
      actions={
        <>
          <CopyAsCode
            {...snippet}
            more={wholeSandboxCode(sandbox, `${server?.stateDirectory ?? '.'}/snapshots`)}
          />
          <Button
            variant="default"
            leftSection={<IconCamera size={16} aria-hidden />}
            disabled={!isRunning}
            loading={snapshot.isPending}
            onClick={() => {
              snapshot.mutate();
            }}
          >
            Snapshot
          </Button>
          {state === 'suspended' ? (
            <Button
              variant="default"
              leftSection={<IconPlayerPlay size={16} aria-hidden />}
              loading={resume.isPending}
              onClick={() => {
                resume.mutate();
              }}
            >
              Resume
            </Button>
          ) : (
            <Button
              variant="default"
              leftSection={<IconPlayerPause size={16} aria-hidden />}
              disabled={!isRunning || capabilities.suspend === undefined}
              title={
                capabilities.suspend === undefined
                  ? `${provider} does not declare suspend`
                  : undefined
              }
              loading={suspend.isPending}
              onClick={() => {
                suspend.mutate();
              }}
            >
              Suspend
            </Button>
          )}
          <ConfirmButton
            label="Destroy"
            question={`Destroy ${name}?`}
            consequence="Everything in it ends, and its contents are lost. Snapshots that were taken of it stay."
            loading={destroy.isPending}
            leftSection={<IconTrash size={16} aria-hidden />}
            c="var(--bad)"
            onConfirm={() => {
              destroy.mutate(undefined, {
                onSuccess: () => {
                  navigate('/sandboxes');
                },
              });
            }}
          />
        </>
      }
    />
  );
}
