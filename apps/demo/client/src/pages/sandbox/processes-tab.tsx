import { Skeleton, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ProcessesAnswer, SandboxDetails } from '../../../../src/protocol/sandboxes.ts';
import { get, path } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';

/** Asked again at this distance while the tab is in view. */
const INTERVAL_MS = 2_000;

/** What runs in the sandbox. What a process calls itself is its own choice. */
export default function ProcessesTab({
  sandbox,
  isShown,
}: {
  sandbox: SandboxDetails;
  isShown: boolean;
}): ReactNode {
  const isSupported = sandbox.capabilities.processes !== undefined;
  const { data, error, refetch } = useQuery({
    queryKey: ['processes', sandbox.id],
    queryFn: ({ signal }) =>
      get<ProcessesAnswer>(path`/api/sandboxes/${sandbox.id}/processes`, signal),
    refetchInterval: INTERVAL_MS,
    enabled: isSupported && isShown,
  });
  if (!isSupported) {
    return (
      <Text c="dimmed" size="sm">
        {sandbox.provider} does not declare processes. In the terminal, `ps` may tell.
      </Text>
    );
  }
  if (error !== null) return <ErrorDisplay error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton h={200} />;
  return (
    <div className="panel">
      <Table verticalSpacing={8} horizontalSpacing="md" aria-label="Processes">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={90}>Process</Table.Th>
            <Table.Th>Command</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {data.processes.map(({ id, pid, command }) => (
            <Table.Tr key={id}>
              <Table.Td className="numbers">{pid ?? id}</Table.Td>
              <Table.Td className="mono" style={{ overflowWrap: 'anywhere' }}>
                {command}
              </Table.Td>
            </Table.Tr>
          ))}
          {data.processes.length === 0 && (
            <Table.Tr>
              <Table.Td colSpan={2} c="dimmed">
                Nothing that was started runs now. Start something in the terminal.
              </Table.Td>
            </Table.Tr>
          )}
        </Table.Tbody>
      </Table>
    </div>
  );
}
