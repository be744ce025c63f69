import { QueryClient } from '@tanstack/react-query';
import { ApiError } from './api.ts';

/**
 * What the pages know of the server. Answers stay fresh until an event says otherwise, so nothing polls but
 * what asks for it.
 */
export const queryClient: QueryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      gcTime: 10 * 60_000,
      refetchOnWindowFocus: false,
      // An answer that says no says it again; only a server that is starting is worth another try.
      retry: (failures, error) =>
        failures < 2 && error instanceof ApiError && error.code === 'unreachable',
    },
    mutations: { retry: false },
  },
});
