import { notifications } from '@mantine/notifications';
import { type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query';
import type { OperationAnswer, SandboxView } from '../../../src/protocol/sandboxes.ts';
import type { ProgressEvent } from '../../../src/protocol/events.ts';
import { ApiError, path, send } from './api.ts';
import { operationEnd } from './operation.ts';
import { keys } from './queries.ts';

/** What can be done with a whole sandbox. */
interface SandboxActions {
  readonly destroy: UseMutationResult<unknown, Error, void>;
  readonly suspend: UseMutationResult<unknown, Error, void>;
  readonly resume: UseMutationResult<unknown, Error, void>;
  readonly snapshot: UseMutationResult<ProgressEvent, Error, void>;
}

/** The actions of one sandbox. Each says when it is done, and why it was not. */
export function useSandboxActions({ id, name }: Pick<SandboxView, 'id' | 'name'>): SandboxActions {
  const queryClient = useQueryClient();
  const refresh = (): void => {
    void queryClient.invalidateQueries({ queryKey: keys.sandboxes });
    void queryClient.invalidateQueries({ queryKey: keys.sandbox(id) });
  };
  const onError = (error: Error): void => {
    tellError(error);
    refresh();
  };
  const destroy = useMutation({
    mutationFn: () => send<unknown>('DELETE', path`/api/sandboxes/${id}`),
    onSuccess: () => {
      queryClient.setQueryData<readonly SandboxView[]>(keys.sandboxes, (known) =>
        known?.filter((sandbox) => sandbox.id !== id),
      );
      notifications.show({ message: `${name} is destroyed`, color: 'gray' });
    },
    onError,
  });
  const suspend = useMutation({
    mutationFn: () => send<unknown>('POST', path`/api/sandboxes/${id}/suspend`, {}),
    onSuccess: refresh,
    onError,
  });
  const resume = useMutation({
    mutationFn: () => send<unknown>('POST', path`/api/sandboxes/${id}/resume`, {}),
    onSuccess: refresh,
    onError,
  });
  const snapshot = useMutation({
    mutationFn: async () => {
      const { operation } = await send<OperationAnswer>(
        'POST',
        path`/api/sandboxes/${id}/snapshot`,
        {},
      );
      return operationEnd(operation);
    },
    onSuccess: ({ snapshot: taken }) => {
      notifications.show({
        title: `Snapshot of ${name}`,
        message: taken === undefined ? 'It is kept.' : `It is kept as ${taken.slice(0, 12)}.`,
        color: 'teal',
      });
      refresh();
    },
    onError,
  });
  return { destroy, suspend, resume, snapshot };
}

/** Says what went wrong where no place of the page is left for it. */
export function tellError(error: Error): void {
  const hint = error instanceof ApiError ? error.hint : undefined;
  notifications.show({
    title: error.message,
    message: hint ?? '',
    color: 'red',
    autoClose: 12_000,
  });
}
