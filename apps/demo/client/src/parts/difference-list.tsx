import type { SnapshotDifference } from '@gantry/core/snapshot';
import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { formatBytes } from './amounts.ts';
import classes from './difference-list.module.css';

const signs = { added: '+', removed: '−', changed: '~' } as const;

/** Each path that is not the same, and how. */
export function DifferenceList({
  differences,
}: {
  differences: readonly SnapshotDifference[];
}): ReactNode {
  if (differences.length === 0)
    return (
      <Text size="sm" c="dimmed" p="md">
        No path differs.
      </Text>
    );
  return (
    <ul className={classes.paths} tabIndex={0} aria-label="Paths that differ">
      {differences.map(({ path, kind, before, after }) => (
        <li key={path} className={classes.path}>
          <span className={classes.sign} data-kind={kind}>
            <span aria-hidden>{signs[kind]}</span>
            <span className="visually-hidden">{kind}</span>
          </span>
          <span className={classes.name} title={path}>
            {path}
            {(after ?? before)?.type === 'directory' && '/'}
          </span>
          <Text span size="xs" c="dimmed" className="numbers">
            {sizes(before, after)}
          </Text>
        </li>
      ))}
    </ul>
  );
}

function sizes(before: SnapshotDifference['before'], after: SnapshotDifference['after']): string {
  const [old, now] = [before, after].map((side) =>
    side?.size === undefined ? undefined : formatBytes(side.size),
  );
  if (old !== undefined && now !== undefined && old !== now) return `${old} → ${now}`;
  if (before?.mode !== after?.mode && before && after) return `${before.mode} → ${after.mode}`;
  return now ?? old ?? '';
}
