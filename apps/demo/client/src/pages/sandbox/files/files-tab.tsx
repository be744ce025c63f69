import { Group, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type DragEvent, type ReactNode, useState } from 'react';
import type { DirectoryAnswer, SandboxDetails } from '../../../../../src/protocol/sandboxes.ts';
import { get } from '../../../app/api.ts';
import { ErrorDisplay } from '../../../app/error-display.tsx';
import { useSearch } from '../../../app/use-search.ts';
import { DirectoryList } from './directory-list.tsx';
import { DirectoryTools } from './directory-tools.tsx';
import { OpenFile } from './open-file.tsx';
import { filePath, trail } from './sandbox-path.ts';
import { useUpload } from './use-upload.ts';
import classes from './files.module.css';

/** The files of the sandbox: a directory at the left, what is open of it at the right; both are in the address. */
export default function FilesTab({ sandbox }: { sandbox: SandboxDetails }): ReactNode {
  const queryClient = useQueryClient();
  const [directory, setDirectory] = useSearch('directory');
  const [file, setFile] = useSearch('file');
  const [isOver, setIsOver] = useState(false);
  const current = directory === '' ? '.' : directory;
  const { data, error, refetch } = useQuery({
    queryKey: ['files', sandbox.id, current],
    queryFn: ({ signal }) =>
      get<DirectoryAnswer>(`${filePath(sandbox.id, current)}&list=1`, signal),
    staleTime: 0,
  });
  const refresh = (): void => {
    void queryClient.invalidateQueries({ queryKey: ['files', sandbox.id] });
  };
  const upload = useUpload(sandbox.id, current, refresh);
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    setIsOver(false);
    if (event.dataTransfer.files.length > 0) upload.mutate([...event.dataTransfer.files]);
  };
  return (
    <div className={classes.split}>
      <section
        className={classes.side}
        aria-label="Directory"
        data-over={isOver || undefined}
        onDragOver={(event) => {
          event.preventDefault();
          setIsOver(true);
        }}
        onDragLeave={() => {
          setIsOver(false);
        }}
        onDrop={onDrop}
      >
        <Group justify="space-between" gap={4} className={classes.bar} wrap="nowrap">
          <nav aria-label="Path" className={classes.trail}>
            {trail(current).map(({ name, path }, at, all) => (
              <button
                key={path}
                type="button"
                aria-current={at === all.length - 1 ? 'page' : undefined}
                onClick={() => {
                  setDirectory(path === '.' ? '' : path);
                }}
              >
                {name}
              </button>
            ))}
          </nav>
          <DirectoryTools
            sandbox={sandbox.id}
            directory={current}
            upload={upload}
            onChanged={refresh}
            onMade={setFile}
          />
        </Group>
        {upload.error !== null && (
          <ErrorDisplay error={upload.error} title="The upload did not go through" />
        )}
        {error !== null && (
          <ErrorDisplay
            error={error}
            title="The directory could not be read"
            retry={() => void refetch()}
          />
        )}
        {error === null && (
          <DirectoryList
            directory={current}
            entries={data?.entries}
            open={file}
            onDirectory={setDirectory}
            onFile={setFile}
          />
        )}
      </section>
      <section className={classes.main} aria-label="File">
        {file === '' ? (
          <Text c="dimmed" size="sm" className={classes.nothing}>
            Open a file to see and change it. Files can be dropped on the list.
          </Text>
        ) : (
          <OpenFile
            key={file}
            sandbox={sandbox.id}
            path={file}
            onRemoved={() => {
              setFile('');
              refresh();
            }}
            onSaved={refresh}
          />
        )}
      </section>
    </div>
  );
}
