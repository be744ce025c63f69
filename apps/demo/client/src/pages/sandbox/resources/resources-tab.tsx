import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { MetricsAnswer, SandboxDetails } from '../../../../../src/protocol/sandboxes.ts';
import { get, path } from '../../../app/api.ts';
import { ErrorDisplay } from '../../../app/error-display.tsx';
import { formatBytes } from '../../../parts/amounts.ts';
import { Chart } from './chart.tsx';
import { addSample, type Sample, series } from './samples.ts';
import classes from './resources.module.css';

const INTERVAL_MS = 1_000;
/** Round numbers of bytes, and of things that are counted. */
const powers = Array.from({ length: 40 }, (_, power) => 2 ** power);
/** Round shares of a processor. */
const shares = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16];

/** What the sandbox uses, measured once a second while this is in view, over the last two minutes. */
export default function ResourcesTab({
  sandbox,
  isShown,
}: {
  sandbox: SandboxDetails;
  isShown: boolean;
}): ReactNode {
  const isSupported = sandbox.capabilities.metrics !== undefined;
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const { data, error, refetch } = useQuery({
    queryKey: ['metrics', sandbox.id],
    queryFn: ({ signal }) => get<MetricsAnswer>(path`/api/sandboxes/${sandbox.id}/metrics`, signal),
    refetchInterval: INTERVAL_MS,
    staleTime: 0,
    enabled: isSupported && isShown,
  });
  const last = samples.at(-1);
  if (data !== undefined && data.at !== last?.at) setSamples(addSample(samples, data));
  if (!isSupported) {
    return (
      <Text c="dimmed" size="sm">
        {sandbox.provider} does not declare metrics.
      </Text>
    );
  }
  if (error !== null) return <ErrorDisplay error={error} retry={() => void refetch()} />;
  const charts = [
    { name: 'Processor', of: series(samples, 'cpu'), format: formatPercent, steps: shares },
    { name: 'Memory', of: series(samples, 'memoryBytes'), format: formatBytes, steps: powers },
    { name: 'Processes', of: series(samples, 'pids'), format: String, steps: powers },
    { name: 'Disk', of: series(samples, 'diskBytes'), format: formatBytes, steps: powers },
  ];
  return (
    <div className={classes.grid}>
      {charts.map(({ name, of, format, steps }) => {
        const now = of.values.findLast((value) => value !== null);
        return (
          <figure key={name} className="panel">
            <figcaption>
              <span>{name}</span>
              <strong className="numbers">
                {now === undefined || now === null
                  ? samples.length > 2
                    ? 'not told by this provider'
                    : '–'
                  : format(now)}
              </strong>
            </figcaption>
            <Chart times={of.times} values={of.values} format={format} steps={steps} label={name} />
          </figure>
        );
      })}
    </div>
  );
}

function formatPercent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
