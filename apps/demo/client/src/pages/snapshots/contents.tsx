import { Anchor, Breadcrumbs, Button, Skeleton, Text } from '@mantine/core';
import { IconFile, IconFolder, IconLink } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { SnapshotEntriesAnswer } from '../../../../src/protocol/snapshots.ts';
import { get, path } from '../../app/api.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { useSearch } from '../../app/use-search.ts';
import { formatBytes } from '../../parts/amounts.ts';
import classes from './page.module.css';

const icons = { file: IconFile, directory: IconFolder, symlink: IconLink, hardlink: IconLink };

/** What is in a snapshot, a directory at a time. Files can be fetched without a sandbox. */
export function Contents({ snapshot }: { snapshot: string }): ReactNode {
  const [directory, open] = useSearch('path');
  const address = path`/api/snapshots/${snapshot}`;
  const { data, error, refetch } = useQuery({
    queryKey: ['snapshot-entries', snapshot, directory],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) =>
      get<SnapshotEntriesAnswer>(
        `${address}/entries?path=${encodeURIComponent(directory)}`,
        signal,
      ),
  });
  const parts = directory === '' ? [] : directory.split('/');
  return (
    <>
      <Breadcrumbs className={classes.note} separatorMargin={6}>
        <Button
          size="compact-xs"
          variant="subtle"
          onClick={() => {
            open('');
          }}
        >
          /workspace
        </Button>
        {parts.map((part, index) => (
          <Button
            key={part + String(index)}
            size="compact-xs"
            variant="subtle"
            onClick={() => {
              open(parts.slice(0, index + 1).join('/'));
            }}
          >
            {part}
          </Button>
        ))}
      </Breadcrumbs>
      {error !== null && <ErrorDisplay error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton h={160} m="md" />}
      {data?.entries.length === 0 && (
        <Text size="sm" c="dimmed" className={classes.note}>
          This directory is empty.
        </Text>
      )}
      <ul className={classes.paths}>
        {data?.entries.map(({ name, type, size }) => {
          const place = directory === '' ? name : `${directory}/${name}`;
          const Icon = icons[type];
          const label = (
            <Text span size="sm" truncate>
              {name}
            </Text>
          );
          return (
            <li key={name} className={classes.path}>
              <Icon size={16} stroke={1.6} aria-hidden />
              {type === 'directory' ? (
                <button
                  type="button"
                  className={classes.entry}
                  onClick={() => {
                    open(place);
                  }}
                >
                  {label}
                </button>
              ) : type === 'file' ? (
                <Anchor
                  href={`${address}/file?path=${encodeURIComponent(place)}`}
                  download={name}
                  c="inherit"
                >
                  {label}
                </Anchor>
              ) : (
                label
              )}
              <Text span size="xs" c="dimmed" className="numbers">
                {size === undefined ? '' : formatBytes(size)}
              </Text>
            </li>
          );
        })}
      </ul>
    </>
  );
}
