import { Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { ProviderView } from '../../../../src/protocol/providers.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { providersQuery } from '../../app/queries.ts';
import { ProviderName, StateLabel } from '../../parts/badges.tsx';
import classes from './page.module.css';

/** Each provider with its committed verdict and whether it can be used now. */
export function ProviderVerdicts(): ReactNode {
  const { data, error, refetch } = useQuery(providersQuery);
  return (
    <section className={classes.panel} aria-labelledby="verdicts">
      <div className={classes.panelHead}>
        <h2 id="verdicts">Providers</h2>
        <Link href="/providers">All details</Link>
      </div>
      {error !== null && <ErrorDisplay error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && (
        <div className={classes.rows} aria-busy>
          {[0, 1, 2, 3, 4].map((row) => (
            <div key={row} className={classes.verdict}>
              <Skeleton h={20} />
            </div>
          ))}
        </div>
      )}
      <ul className={classes.rows}>
        {data?.map((provider) => (
          <Verdict key={provider.id} provider={provider} />
        ))}
      </ul>
    </section>
  );
}

function Verdict({ provider }: { provider: ProviderView }): ReactNode {
  const report = provider.reports[0];
  const share = report === undefined ? 0 : report.passed / report.applicable;
  return (
    <li>
      <Link href={`/providers/${provider.id}`} className={classes.verdict}>
        <ProviderName id={provider.id} emulated={provider.emulated} />
        <span className={classes.bar} aria-hidden>
          <span data-whole={share === 1 || undefined} style={{ width: `${share * 100}%` }} />
        </span>
        <Text span size="sm" className="numbers" c="dimmed">
          {report === undefined
            ? 'no report'
            : `${report.passed} of ${report.applicable} ${report.mode === 'emulated' ? 'emulated' : 'checks'}`}
        </Text>
        <StateLabel tone={provider.ready ? 'good' : 'idle'}>
          {provider.ready ? 'ready' : 'not ready'}
        </StateLabel>
      </Link>
    </li>
  );
}
