import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { LiveCheck } from '../../../../src/protocol/conformance.ts';
import { formatDuration } from '../../parts/amounts.ts';
import classes from './page.module.css';

const words = {
  pass: 'passed',
  fail: 'failed',
  error: "the suite's own fault",
  untestable: 'untestable here',
  unsupported: 'not declared, and proved so',
} as const;

/** The checks of one profile, each a cell that fills when it ends. */
export function ProfileChecks({
  profile,
  checks,
  onOpen,
}: {
  profile: string;
  checks: readonly LiveCheck[];
  onOpen: (check: string) => void;
}): ReactNode {
  const ended = checks.filter(({ result }) => result !== undefined).length;
  const running = checks.filter(({ result }) => result === undefined);
  return (
    <section className={classes.profile} aria-label={profile}>
      <div className={classes.profileHead}>
        <Text fw={620} size="sm">
          {profile}
        </Text>
        <Text size="xs" c="dimmed" className="numbers">
          {ended} ended
        </Text>
        <Text size="xs" c="dimmed" truncate className={classes.running}>
          {running.map(({ id }) => id.slice(profile.length + 1)).join(', ')}
        </Text>
      </div>
      <div className={classes.cells}>
        {checks.map(({ id, result }) => (
          <button
            key={id}
            type="button"
            className={classes.cell}
            data-status={result?.status ?? 'running'}
            title={`${id}: ${result === undefined ? 'running' : `${words[result.status]}, ${formatDuration(result.ms)}`}`}
            aria-label={`${id}: ${result === undefined ? 'running' : words[result.status]}`}
            onClick={() => {
              onOpen(id);
            }}
          />
        ))}
      </div>
    </section>
  );
}
