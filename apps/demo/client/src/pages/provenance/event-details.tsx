import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { ChainLink, RunEventView } from '../../../../src/protocol/provenance.ts';
import { formatBytes } from '../../parts/amounts.ts';
import classes from './chain.module.css';

/** One event: what it says, and how it is chained. */
export function EventDetails({
  link,
  previous,
  event,
}: {
  link: ChainLink;
  previous: string;
  event: RunEventView;
}): ReactNode {
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['time', new Date(event.time).toISOString().replace('T', ' ').replace('Z', ' UTC')],
    ['by', `${event.actor}, epoch ${event.epoch}`],
    ['branch', event.scope],
    ['step', event.step],
    ['attempt', event.attempt],
    ['sandbox', event.sandbox],
    [
      'snapshot',
      event.snapshot && <Link href={`/snapshots/${event.snapshot}`}>{event.snapshot}</Link>,
    ],
    ['contents before', event.before],
    ['contents after', event.after],
    ['plan', event.manifest],
    ['inputs', event.inputs],
    ['outputs', event.outputs],
    [
      'body',
      event.body && `${formatBytes(event.body.bytes)}, encrypted, sha256 ${event.body.sha256}`,
    ],
    ...Object.entries(event.facts ?? {}).map(
      ([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)] as const,
    ),
  ];
  return (
    <section className={classes.details} aria-label={`Event ${link.sequence}`}>
      <div className={classes.detailsHead}>
        <Text fw={650}>
          {link.sequence} · {event.type}
        </Text>
        {link.signed && (
          <Text size="xs" className={classes.signed}>
            signed up to here
          </Text>
        )}
      </div>
      <dl className={classes.facts}>
        {facts
          .filter(([, value]) => value !== undefined && value !== '')
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className={typeof value === 'string' && value.length > 24 ? 'mono' : undefined}>
                {value}
              </dd>
            </div>
          ))}
      </dl>
      <div className={classes.formula}>
        <Text size="xs" c="dimmed">
          SHA-256 of the hash before, a line feed, and this text:
        </Text>
        <pre tabIndex={0} aria-label="The text that is hashed">
          {previous}
          {'\n'}
          {link.text}
        </pre>
        <Text size="xs" c="dimmed">
          is
        </Text>
        <code>{link.hash}</code>
      </div>
    </section>
  );
}
