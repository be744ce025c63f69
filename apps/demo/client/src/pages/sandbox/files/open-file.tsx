import { Anchor, Button, Group, Skeleton, Text } from '@mantine/core';
import { IconDeviceFloppy, IconDownload, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { request } from '../../../app/api.ts';
import { ErrorDisplay } from '../../../app/error-display.tsx';
import { formatBytes } from '../../../parts/amounts.ts';
import { ConfirmButton } from '../../../parts/confirm-button.tsx';
import { readContent } from './read-bytes.ts';
import { filePath } from './sandbox-path.ts';
import { TextEditor } from './text-editor.tsx';
import classes from './files.module.css';

/** One file: shown, changed, saved, downloaded, removed. What is typed is kept for this tab until it is saved. */
export function OpenFile({
  sandbox,
  path,
  onSaved,
  onRemoved,
}: {
  sandbox: string;
  path: string;
  onSaved: () => void;
  onRemoved: () => void;
}): ReactNode {
  const draftKey = `gantry.draft:${sandbox}:${path}`;
  const [draft, setDraft] = useState(() => sessionStorage.getItem(draftKey) ?? undefined);
  const { data, error, refetch } = useQuery({
    queryKey: ['file', sandbox, path],
    queryFn: ({ signal }) => readContent(sandbox, path, signal),
    staleTime: 0,
    gcTime: 0,
  });
  const change = (text: string | undefined): void => {
    setDraft(text);
    if (text === undefined) sessionStorage.removeItem(draftKey);
    else sessionStorage.setItem(draftKey, text);
  };
  const save = useMutation({
    mutationFn: (text: string) =>
      request('PUT', filePath(sandbox, path), {
        body: { bytes: new TextEncoder().encode(text) },
      }),
    onSuccess: async () => {
      await refetch();
      change(undefined);
      onSaved();
    },
  });
  const remove = useMutation({
    mutationFn: () => request('DELETE', filePath(sandbox, path)),
    onSuccess: () => {
      change(undefined);
      onRemoved();
    },
  });
  const kept = data?.kind === 'text' ? data.text : undefined;
  const isChanged = draft !== undefined && draft !== kept;
  useEffect(() => {
    if (data?.kind !== 'image') return undefined;
    const { url } = data;
    return () => {
      URL.revokeObjectURL(url);
    };
  }, [data]);
  return (
    <>
      <Group justify="space-between" gap={6} className={classes.bar}>
        <Text size="sm" fw={560} className={classes.file}>
          {path}
          {isChanged && <span className={classes.changed}>not saved</span>}
        </Text>
        <Group gap={6} wrap="nowrap">
          <Button
            size="compact-sm"
            leftSection={<IconDeviceFloppy size={15} aria-hidden />}
            disabled={!isChanged}
            loading={save.isPending}
            aria-keyshortcuts="Control+S"
            onClick={() => {
              if (draft !== undefined) save.mutate(draft);
            }}
          >
            Save
          </Button>
          <Button
            component="a"
            size="compact-sm"
            variant="default"
            href={`${filePath(sandbox, path)}&attachment=1`}
            leftSection={<IconDownload size={15} aria-hidden />}
          >
            Download
          </Button>
          <ConfirmButton
            size="compact-sm"
            label="Remove"
            question={`Remove ${path}?`}
            consequence="It is gone from the workspace. Snapshots that have it keep it."
            c="var(--bad)"
            loading={remove.isPending}
            onConfirm={() => {
              remove.mutate();
            }}
            aria-label={`Remove ${path}`}
          >
            <IconTrash size={15} aria-hidden />
          </ConfirmButton>
        </Group>
      </Group>
      {[error, save.error, remove.error].map(
        (each) =>
          each !== null && (
            <ErrorDisplay key={each.message} error={each} retry={() => void refetch()} />
          ),
      )}
      <div className={classes.content}>
        {data === undefined && error === null && <Skeleton h="100%" />}
        {data?.kind === 'text' && (
          <TextEditor
            path={path}
            value={draft ?? data.text}
            onChange={change}
            onSave={(text) => {
              save.mutate(text);
            }}
          />
        )}
        {data?.kind === 'image' && <img src={data.url} alt={path} className={classes.image} />}
        {(data?.kind === 'binary' || data?.kind === 'large') && (
          <Text size="sm" c="dimmed" className={classes.nothing}>
            {formatBytes(data.size)}
            {data.kind === 'binary' ? ', not text.' : ', too long for the editor.'}{' '}
            <Anchor href={`${filePath(sandbox, path)}&attachment=1`}>Download it</Anchor>
          </Text>
        )}
      </div>
    </>
  );
}
