import { Anchor, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { formatDuration } from '../../parts/amounts.ts';
import { StateLabel } from '../../parts/badges.tsx';
import type { Moment } from './moments.ts';
import classes from './moment-list.module.css';

/** What a reader of the run should not miss, the newest first. */
export function Moments({
  moments,
  start,
  run,
}: {
  moments: readonly Moment[];
  start: number;
  run: string;
}): ReactNode {
  if (moments.length === 0)
    return (
      <Text size="sm" c="dimmed">
        Nothing yet: checkpoints, losses and recoveries are told here.
      </Text>
    );
  return (
    <ol className={classes.list}>
      {moments.map(({ sequence, at, tone, title, detail, snapshot }, index) => (
        <li key={`${sequence}-${index}`} className={classes.moment}>
          <Text span size="xs" c="dimmed" className="numbers">
            + {formatDuration(at - start)}
          </Text>
          <div className={classes.words}>
            <StateLabel tone={tone}>
              <span className={classes.title}>{title}</span>
            </StateLabel>
            {detail !== undefined && (
              <Text size="sm" c="dimmed">
                {detail}
              </Text>
            )}
          </div>
          <span className={classes.links}>
            {snapshot !== undefined && (
              <Anchor component={Link} href={`/snapshots/${snapshot}`} size="xs">
                Snapshot
              </Anchor>
            )}
            <Anchor component={Link} href={`/provenance/${run}/${sequence}`} size="xs">
              Event {sequence}
            </Anchor>
          </span>
        </li>
      ))}
    </ol>
  );
}
