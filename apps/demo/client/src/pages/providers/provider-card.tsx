import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link, useSearchParams } from 'wouter';
import type { ProviderView } from '../../../../src/protocol/providers.ts';
import { EmulatedBadge, StateLabel } from '../../parts/badges.tsx';
import { ProviderActions } from './provider-actions.tsx';
import { ReportLine } from './report-line.tsx';
import classes from './page.module.css';

/** One provider in short. Its name opens the details. */
export function ProviderCard({ provider }: { provider: ProviderView }): ReactNode {
  const { id, summary, emulated, reports } = provider;
  const [parameters] = useSearchParams();
  const query = parameters.size === 0 ? '' : `?${parameters.toString()}`;
  return (
    <article className={classes.card} aria-labelledby={`provider-${id}`}>
      <div className={classes.cardHead}>
        <h2 id={`provider-${id}`}>
          <Link href={`/providers/${id}${query}`} className={classes.cardLink}>
            {id}
          </Link>
        </h2>
        {emulated && <EmulatedBadge />}
        <span className={classes.spacer} />
        <ReadyState provider={provider} />
      </div>
      <Text size="sm" c="dimmed">
        {summary}
      </Text>
      <ul className={classes.reports}>
        {reports.map((report) => (
          <li key={report.name}>
            <ReportLine report={report} />
          </li>
        ))}
        {reports.length === 0 && <li>No report is committed</li>}
      </ul>
      <div className={classes.cardFoot}>
        <Text span size="xs" c="dimmed">
          {whereItRuns(provider)}
        </Text>
        <ProviderActions provider={provider} />
      </div>
    </article>
  );
}

/** What isolates its sandboxes. An emulator's are not the vendor's, whatever those would be. */
export function whereItRuns({ emulated, emulator, capabilities }: ProviderView): string {
  if (emulated) return `made by ${emulator?.backend ?? 'local'}`;
  return capabilities?.traits.isolation ?? '';
}

/** Whether a sandbox can be made now, and if not, how many things are in the way. */
export function ReadyState({ provider }: { provider: ProviderView }): ReactNode {
  const { ready, installed, emulator } = provider;
  if (emulator?.state === 'starting' || emulator?.state === 'stopping') {
    return (
      <StateLabel tone="active" busy>
        emulator is {emulator.state}
      </StateLabel>
    );
  }
  if (ready) return <StateLabel tone="good">ready</StateLabel>;
  return <StateLabel tone="idle">{installed ? 'not ready' : 'not installed'}</StateLabel>;
}
