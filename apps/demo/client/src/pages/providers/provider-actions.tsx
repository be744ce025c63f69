import { Button, Group, Menu } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { EmulatorBackend, ProviderView } from '../../../../src/protocol/providers.ts';
import { path, send } from '../../app/api.ts';
import { keys } from '../../app/queries.ts';
import { tellError } from '../../app/sandbox-actions.tsx';

/** What can be done with a provider now: make a sandbox, start or stop the vendor's emulator. */
export function ProviderActions({ provider }: { provider: ProviderView }): ReactNode {
  const { id, ready, emulator } = provider;
  const queryClient = useQueryClient();
  const change = useMutation({
    mutationFn: (backend: EmulatorBackend | 'none') =>
      backend === 'none'
        ? send<unknown>('DELETE', path`/api/providers/${id}/emulator`)
        : send<unknown>('POST', path`/api/providers/${id}/emulator`, { backend }),
    onError: tellError,
    onSettled: () => {
      void queryClient.invalidateQueries({ queryKey: keys.providers });
      void queryClient.invalidateQueries({ queryKey: keys.sandboxes });
    },
  });
  const isChanging =
    change.isPending || emulator?.state === 'starting' || emulator?.state === 'stopping';
  return (
    <Group gap={8} wrap="nowrap">
      {emulator?.state === 'running' && (
        <Button
          size="xs"
          variant="default"
          loading={isChanging}
          onClick={() => {
            change.mutate('none');
          }}
        >
          Stop emulator
        </Button>
      )}
      {ready ? (
        <Button
          size="xs"
          component={Link}
          href={`/sandboxes?create=1&on=${encodeURIComponent(id)}`}
        >
          New sandbox
        </Button>
      ) : (
        emulator !== undefined && (
          <Menu position="bottom-end">
            <Menu.Target>
              <Button
                size="xs"
                loading={isChanging}
                rightSection={<IconChevronDown size={14} aria-hidden />}
              >
                Start emulator
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Label>Its sandboxes are made by</Menu.Label>
              <Menu.Item
                onClick={() => {
                  change.mutate('local');
                }}
              >
                local, on this machine
              </Menu.Item>
              <Menu.Item
                onClick={() => {
                  change.mutate('docker');
                }}
              >
                docker, which needs a daemon
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )
      )}
    </Group>
  );
}
