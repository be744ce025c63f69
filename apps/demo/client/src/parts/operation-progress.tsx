import { Progress, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { ProgressEvent } from '../../../src/protocol/events.ts';
import { formatBytes } from './amounts.ts';

/** How far an operation is: a bar where the end is known, else what is being done. Takes its place from the start. */
export function OperationProgress({ event }: { event: ProgressEvent | undefined }): ReactNode {
  const { bytes, totalBytes } = event ?? {};
  const isKnown = bytes !== undefined && totalBytes !== undefined && totalBytes > 0;
  const words = event?.what ?? 'Asking the provider';
  return (
    <div role="status">
      <Progress
        value={isKnown ? (bytes / totalBytes) * 100 : 100}
        animated={!isKnown}
        striped={!isKnown}
        size="sm"
        aria-label={words}
      />
      <Text size="xs" c="dimmed" mt={6} className="numbers">
        {words}
        {isKnown && ` · ${formatBytes(bytes)} of ${formatBytes(totalBytes)}`}
      </Text>
    </div>
  );
}
