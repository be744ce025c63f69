import { Anchor, Button, Group, NumberInput, Text } from '@mantine/core';
import { IconExternalLink, IconRefresh } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { ExposeAnswer, SandboxDetails } from '../../../../src/protocol/sandboxes.ts';
import { path, send } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { useSearch } from '../../app/use-search.ts';
import classes from './ports-tab.module.css';

/** A port of the sandbox, reached and looked at. */
export default function PortsTab({ sandbox }: { sandbox: SandboxDetails }): ReactNode {
  const [wanted, setWanted] = useSearch('port');
  const [port, setPort] = useState<number | ''>(
    wanted === '' ? (sandbox.ports[0] ?? 8080) : Number(wanted),
  );
  const [shown, setShown] = useState(0);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['port', sandbox.id, wanted],
    queryFn: () =>
      send<ExposeAnswer>('POST', path`/api/sandboxes/${sandbox.id}/ports`, {
        port: Number(wanted),
      }),
    enabled: wanted !== '' && sandbox.capabilities.ports !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (sandbox.capabilities.ports === undefined) {
    return (
      <Text c="dimmed" size="sm">
        {sandbox.provider} does not declare ports.
      </Text>
    );
  }
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (String(port) === wanted) void refetch();
          else setWanted(String(port));
          setShown(shown + 1);
        }}
      >
        <Group align="flex-end" gap={8} mb="md">
          <NumberInput
            label="Port"
            w={130}
            min={1}
            max={65_535}
            allowDecimal={false}
            value={port}
            onChange={(value) => {
              setPort(typeof value === 'number' ? value : '');
            }}
          />
          <Button type="submit" loading={isFetching} disabled={port === ''}>
            Open
          </Button>
          {sandbox.ports.length > 0 && (
            <Text size="sm" c="dimmed" pb={8}>
              Declared by the manifest: {sandbox.ports.join(', ')}
            </Text>
          )}
        </Group>
      </form>
      {error !== null && <ErrorDisplay error={error} title="The port could not be opened" />}
      {wanted === '' && (
        <Text size="sm" c="dimmed">
          A preview of what listens there comes here. It is reached through this machine only.
        </Text>
      )}
      {data !== undefined && (
        <div className={classes.preview}>
          <Group justify="space-between" className={classes.bar} gap={8}>
            <Anchor href={data.url} target="_blank" rel="noreferrer" size="sm">
              {data.url} <IconExternalLink size={13} aria-hidden />
            </Anchor>
            <Button
              size="compact-sm"
              variant="subtle"
              leftSection={<IconRefresh size={14} aria-hidden />}
              onClick={() => {
                setShown(shown + 1);
              }}
            >
              Reload
            </Button>
          </Group>
          {/* Another origin: what the sandbox serves cannot reach this page. Its own it keeps, else it would be sent no cookie. */}
          <iframe
            key={shown}
            src={data.url}
            title={`What listens on port ${data.port} of ${sandbox.name}`}
            sandbox="allow-scripts allow-forms allow-same-origin"
            className={classes.frame}
          />
        </div>
      )}
    </>
  );
}
