import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconHandStop } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { AnswerRequest, RunAsk, RunView } from '../../../../src/protocol/runs.ts';
import { path, send } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';

/** Something that the run waits for a person to allow. */
export function Asks({ run, ask }: { run: RunView; ask: RunAsk }): ReactNode {
  const client = useQueryClient();
  const answer = useMutation({
    mutationFn: (allow: boolean) =>
      send('POST', path`/api/runs/${run.id}/approvals`, {
        ask: ask.id,
        allow,
      } satisfies AnswerRequest),
    onSuccess: () => client.invalidateQueries({ queryKey: ['runs'] }),
  });
  const [tool = '', ...rest] = ask.subject.split(' ');
  return (
    <Alert
      color="yellow"
      variant="light"
      icon={<IconHandStop size={20} />}
      title="The run waits for your answer"
      styles={{ title: { color: 'var(--warn)' }, body: { minWidth: 0 } }}
    >
      <Stack gap="sm">
        <Text size="sm">
          Step <b>{ask.step ?? 'release'}</b> wants to use the {ask.kind} <b>{tool}</b>. Nothing
          runs and no sandbox is there until you answer; the workspace is in its last checkpoint.
        </Text>
        <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {rest.join(' ') || ask.subject}
        </Code>
        {answer.error !== null && <ErrorDisplay error={answer.error} />}
        <Group gap="sm">
          <Button
            loading={answer.isPending && answer.variables}
            disabled={answer.isPending}
            onClick={() => {
              answer.mutate(true);
            }}
          >
            Allow and go on
          </Button>
          <Button
            variant="default"
            loading={answer.isPending && !answer.variables}
            disabled={answer.isPending}
            onClick={() => {
              answer.mutate(false);
            }}
          >
            Deny
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
