import { Anchor, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { ApiError } from './api.ts';
import classes from './error-display.module.css';

/** What to do about an error when the server gave no hint of its own. */
const hints: Readonly<Record<string, string>> = {
  unauthenticated:
    'Open the address that the server printed when it started: it holds the token of this session.',
  'permission-denied': 'The server refuses this page. Open the address that it printed.',
  'not-found': 'It may have ended or been destroyed meanwhile. Go back to the list.',
  unsupported: 'This provider does not declare the capability. Another one may: see Providers.',
  'resource-exhausted':
    'Destroy sandboxes that you no longer need, or ask for less, and try again.',
  'failed-precondition': 'Its state does not allow this now. Look at the state, then try again.',
  unavailable: 'The provider or the sandbox could not be reached. Try again, or see its findings.',
  'deadline-exceeded': 'It took longer than allowed. Try again.',
};

/** One error in place: what happened, its code, what to do, and a button to try again where that makes sense. */
export function ErrorDisplay({
  error,
  title,
  retry,
}: {
  error: unknown;
  title?: string;
  retry?: () => void;
}): ReactNode {
  const code = error instanceof ApiError ? error.code : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof ApiError ? (error.hint ?? hints[error.code]) : undefined;
  return (
    <div className={classes.box} role="alert">
      <IconAlertTriangle size={20} className={classes.icon} aria-hidden />
      <Stack gap={6} miw={0}>
        <Group gap="xs">
          <Text fw={600} size="sm">
            {title ?? 'This did not work'}
          </Text>
          {code !== undefined && <Code>{code}</Code>}
        </Group>
        <Text size="sm" className={classes.message}>
          {message}
        </Text>
        {hint !== undefined && (
          <Text size="sm" c="dimmed" className={classes.message}>
            {hint}
          </Text>
        )}
        {retry !== undefined && (
          <Group gap="sm" mt={4}>
            <Button size="xs" variant="default" onClick={retry}>
              Try again
            </Button>
          </Group>
        )}
      </Stack>
    </div>
  );
}

/** A whole page that could not be shown. */
export function ErrorPage({ error, reset }: { error: unknown; reset: () => void }): ReactNode {
  return (
    <Stack p="xl" maw={640} mx="auto" gap="md">
      <ErrorDisplay error={error} title="This page could not be shown" retry={reset} />
      <Anchor href="/" size="sm">
        Back to the overview
      </Anchor>
    </Stack>
  );
}
