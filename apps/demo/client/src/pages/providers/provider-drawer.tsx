import { Anchor, Code, Group, Skeleton, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconExternalLink } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useLocation, useParams } from 'wouter';
import type { ProviderView } from '../../../../src/protocol/providers.ts';
import { ErrorDisplay } from '../../app/error-display.tsx';
import { EmulatedBadge } from '../../parts/badges.tsx';
import { CopyAsCode } from '../../parts/copy-as-code.tsx';
import { PageDrawer } from '../../parts/page-drawer.tsx';
import { capabilities } from './capabilities.ts';
import { emulatorCode } from './emulator-code.ts';
import { ProviderActions } from './provider-actions.tsx';
import { ReadyState } from './provider-card.tsx';
import { ReportLine } from './report-line.tsx';
import classes from './page.module.css';

/** Everything that is known of the provider in the address. */
export function ProviderDrawer({
  providers,
}: {
  providers: readonly ProviderView[] | undefined;
}): ReactNode {
  const { id } = useParams<{ id?: string }>();
  const [, navigate] = useLocation();
  const provider = providers?.find((each) => each.id === id);
  return (
    <PageDrawer
      opened={id !== undefined}
      onClose={() => {
        navigate('/providers');
      }}
      width={620}
      title={
        <Group gap={10}>
          <Text fw={640} fz={17}>
            {id}
          </Text>
          {provider?.emulated === true && <EmulatedBadge />}
        </Group>
      }
    >
      {provider !== undefined ? (
        <Details provider={provider} />
      ) : providers === undefined ? (
        <Skeleton h={400} />
      ) : (
        <ErrorDisplay
          error={new Error(`There is no provider ${id ?? ''} here.`)}
          title="Not known"
        />
      )}
    </PageDrawer>
  );
}

function Details({ provider }: { provider: ProviderView }): ReactNode {
  const { summary, missing, doctor, reports, emulator, capabilities: declared } = provider;
  return (
    <Stack gap="lg" className={classes.details}>
      {/* The focus starts here, before the first button. */}
      <div tabIndex={-1} data-autofocus className={classes.start}>
        <Text size="sm">{summary}</Text>
        <Text size="sm" c="dimmed">
          <Code>{provider.package}</Code>
        </Text>
        <Group justify="space-between" mt="sm">
          <ReadyState provider={provider} />
          <Group gap={8}>
            {emulator !== undefined && <CopyAsCode {...emulatorCode(provider)} />}
            <ProviderActions provider={provider} />
          </Group>
        </Group>
        {emulator?.problem !== undefined && (
          <ErrorDisplay error={new Error(emulator.problem)} title="The emulator did not start" />
        )}
      </div>
      {missing.length > 0 && (
        <section>
          <h3>Missing</h3>
          <ul className={classes.findings}>
            {missing.map(({ what, how }) => (
              <li key={what}>
                <IconAlertTriangle size={16} className={classes.notOk} aria-hidden />
                <div>
                  <div>{what}</div>
                  <Code>{how}</Code>
                </div>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h3>Reports</h3>
        <ul className={classes.findings}>
          {reports.map((report) => (
            <li key={report.name}>
              <div className={classes.wide}>
                <ReportLine report={report} />
                <Anchor href={report.href} target="_blank" size="sm">
                  Whole report of {report.date} <IconExternalLink size={13} aria-hidden />
                </Anchor>
              </div>
            </li>
          ))}
        </ul>
      </section>
      <section>
        <h3>Findings</h3>
        <ul className={classes.findings}>
          {doctor.map(({ control, ok, message }) => (
            <li key={control}>
              {ok ? (
                <IconCheck size={16} className={classes.ok} aria-label="good" />
              ) : (
                <IconAlertTriangle size={16} className={classes.notOk} aria-label="not good" />
              )}
              <div>
                <strong>{control}</strong> <span>{message}</span>
              </div>
            </li>
          ))}
          {doctor.length === 0 && <li>Nothing was looked at: the package is not installed.</li>}
        </ul>
      </section>
      {declared !== undefined && (
        <section>
          <h3>Capabilities and their limits</h3>
          <dl className={classes.limits}>
            {capabilities.flatMap(({ name, about }) => {
              const limits = declared[name];
              return limits === undefined
                ? []
                : [
                    <div key={name}>
                      <dt>
                        {name} <small>{about}</small>
                      </dt>
                      <dd className="mono">{describeLimits(limits)}</dd>
                    </div>,
                  ];
            })}
          </dl>
        </section>
      )}
    </Stack>
  );
}

function describeLimits(limits: object): string {
  return Object.entries(limits)
    .map(
      ([name, value]) =>
        `${name}: ${Array.isArray(value) ? value.map(word).join(', ') : word(value)}`,
    )
    .join('; ');
}

function word(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.values(value).map(String).join(' ');
}
