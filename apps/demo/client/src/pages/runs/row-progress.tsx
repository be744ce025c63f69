import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './page.module.css';

/** In a row of a list: how much of something is done, as a bar and in numbers. */
export function RowProgress({
  tone,
  done,
  total,
  what,
}: {
  tone: string;
  done: number;
  total: number;
  what: string;
}): ReactNode {
  return (
    <span className={classes.progress}>
      <span className={classes.bar} aria-hidden>
        <span data-tone={tone} style={{ width: `${(done / Math.max(1, total)) * 100}%` }} />
      </span>
      <Text span size="xs" c="dimmed" className="numbers">
        {done} of {total} {what}
      </Text>
    </span>
  );
}
