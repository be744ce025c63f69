import { Drawer, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { LiveCheck } from '../../../../src/protocol/conformance.ts';
import { formatDuration } from '../../parts/amounts.ts';
import { StateLabel } from '../../parts/badges.tsx';
import classes from './page.module.css';

const tones = {
  pass: 'good',
  unsupported: 'idle',
  fail: 'bad',
  error: 'bad',
  untestable: 'warn',
} as const;

/** One check: what it looks for, and what it found. */
export function CheckDetails({
  check,
  onClose,
}: {
  check: LiveCheck | undefined;
  onClose: () => void;
}): ReactNode {
  const result = check?.result;
  return (
    <Drawer
      opened={check !== undefined}
      onClose={onClose}
      position="right"
      size="min(520px, 100vw)"
      title={<span className="mono">{check?.id}</span>}
    >
      {result === undefined ? (
        <StateLabel tone="active" busy>
          running
        </StateLabel>
      ) : (
        <Stack gap="md">
          <Text fw={600}>{result.title}</Text>
          <StateLabel tone={tones[result.status]}>{result.status}</StateLabel>
          <dl className={classes.facts}>
            <div>
              <dt>Level</dt>
              <dd>{result.level}</dd>
            </div>
            <div>
              <dt>Requirement</dt>
              <dd className="mono">{result.spec}</dd>
            </div>
            <div>
              <dt>Assertions</dt>
              <dd>{result.assertions}</dd>
            </div>
            <div>
              <dt>Took</dt>
              <dd>{formatDuration(result.ms)}</dd>
            </div>
          </dl>
          {result.known !== undefined && (
            <Text size="sm">
              <b>Known:</b> {result.known}
            </Text>
          )}
          {result.message !== undefined && (
            <pre className={classes.message} tabIndex={0} aria-label="What it found">
              {result.message}
            </pre>
          )}
        </Stack>
      )}
    </Drawer>
  );
}
