import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ErrorBoundary } from './error-boundary.tsx';
import { EventStream } from './event-stream.tsx';
import { queryClient } from './query-client.ts';
import { Shell } from './shell.tsx';
import { cssVariables, theme } from './theme.ts';

/** The whole app. */
export function App(): ReactNode {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queryClient}>
        <Notifications position="bottom-right" limit={4} />
        <ErrorBoundary>
          <EventStream>
            <Shell />
          </EventStream>
        </ErrorBoundary>
      </QueryClientProvider>
    </MantineProvider>
  );
}
