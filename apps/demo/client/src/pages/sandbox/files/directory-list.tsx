import { Skeleton, Text } from '@mantine/core';
import {
  IconCornerLeftUp,
  IconFile,
  IconFolderFilled,
  IconLink,
  IconPlug,
  type TablerIcon,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { FileView } from '../../../../../src/protocol/sandboxes.ts';
import { formatBytes } from '../../../parts/amounts.ts';
import { moveByArrows } from '../../../parts/arrow-keys.ts';
import { join, parentOf } from './sandbox-path.ts';
import classes from './files.module.css';

/** The entries of a directory, directories first. Arrow keys move, Enter opens. */
export function DirectoryList({
  directory,
  entries,
  open,
  onDirectory,
  onFile,
}: {
  directory: string;
  entries: readonly FileView[] | undefined;
  /** Path of the open file. */
  open: string;
  onDirectory: (path: string) => void;
  onFile: (path: string) => void;
}): ReactNode {
  if (entries === undefined) {
    return (
      <div className={classes.entries} aria-busy>
        {[0, 1, 2, 3].map((row) => (
          <Skeleton key={row} h={18} mx={12} my={9} w={`${70 - row * 12}%`} />
        ))}
      </div>
    );
  }
  const parent = parentOf(directory);
  const sorted = entries.toSorted(
    (a, b) =>
      Number(b.type === 'directory') - Number(a.type === 'directory') ||
      a.name.localeCompare(b.name),
  );
  return (
    <ul className={classes.entries} aria-label={`Entries of ${directory}`} onKeyDown={moveByArrows}>
      {parent !== undefined && (
        <li>
          <button
            type="button"
            data-row
            aria-label="The directory above"
            onClick={() => {
              onDirectory(parent === '.' ? '' : parent);
            }}
          >
            <IconCornerLeftUp size={16} aria-hidden />
            <span>..</span>
          </button>
        </li>
      )}
      {sorted.map((entry) => {
        const path = join(directory, entry.name);
        const Icon = icon(entry);
        return (
          <li key={entry.name}>
            <button
              type="button"
              data-row
              data-type={entry.type}
              aria-current={path === open ? 'true' : undefined}
              title={`${entry.mode} · ${new Date(entry.modifiedMs).toLocaleString()}`}
              onClick={() => {
                if (entry.type === 'directory') onDirectory(path);
                else onFile(path);
              }}
            >
              <Icon size={16} aria-hidden />
              <span>
                {entry.name}
                {entry.target !== undefined && <em> → {entry.target}</em>}
              </span>
              {entry.type === 'file' && <small>{formatBytes(entry.size)}</small>}
            </button>
          </li>
        );
      })}
      {sorted.length === 0 && (
        <Text component="li" size="sm" c="dimmed" px={12} py={8}>
          It is empty.
        </Text>
      )}
    </ul>
  );
}

function icon({ type }: FileView): TablerIcon {
  if (type === 'directory') return IconFolderFilled;
  if (type === 'symlink') return IconLink;
  return type === 'file' ? IconFile : IconPlug;
}
