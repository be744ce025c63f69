import { Skeleton, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { PlanAnswer } from '../../../../src/protocol/manifests.ts';
import { formatBytes } from '../../parts/amounts.ts';
import { EmulatedBadge, StateLabel } from '../../parts/badges.tsx';
import classes from './plan-view.module.css';

type Plan = NonNullable<PlanAnswer['plan']>;

/** What will be done, before it is done; or what is wrong, by line. */
export function PlanView({
  answer,
  emulated,
}: {
  answer: PlanAnswer | undefined;
  emulated: boolean;
}): ReactNode {
  return (
    <section className={classes.plan} aria-label="Plan" aria-live="polite">
      {answer === undefined ? (
        <Skeleton h={110} aria-label="Planning" />
      ) : answer.plan === undefined ? (
        <Problems problems={answer.problems} />
      ) : (
        <Planned plan={answer.plan} emulated={emulated} />
      )}
    </section>
  );
}

function Problems({ problems }: { problems: PlanAnswer['problems'] }): ReactNode {
  return (
    <>
      <StateLabel tone="bad">
        {problems.length === 1 ? 'One problem' : `${problems.length} problems`} in the manifest
      </StateLabel>
      <ul className={classes.lines}>
        {problems.map(({ path, line, message }) => (
          <li key={`${path}:${line}:${message}`}>
            <span className="mono">
              {line === undefined ? '' : `line ${line}: `}
              {path}
            </span>{' '}
            {message}
          </li>
        ))}
      </ul>
    </>
  );
}

function Planned({ plan, emulated }: { plan: Plan; emulated: boolean }): ReactNode {
  const { policy, entries, refused } = plan;
  const { network } = policy;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['network', network.mode === 'allow-list' ? `only ${network.allow.join(', ')}` : network.mode],
    ['image', policy.image],
    ['root', policy.root],
    ['privilege', policy.privilege],
    ['user', policy.user],
    ['ports', policy.ports?.join(', ')],
    [
      'memory',
      policy.resources?.memoryBytes === undefined
        ? undefined
        : formatBytes(policy.resources.memoryBytes),
    ],
    ['processes', policy.resources?.pids?.toString()],
    ['processors', policy.resources?.cpus?.toString()],
    [
      'disk',
      policy.resources?.diskBytes === undefined
        ? undefined
        : formatBytes(policy.resources.diskBytes),
    ],
  ];
  return (
    <>
      <div className={classes.head}>
        {refused.length === 0 ? (
          <StateLabel tone="good">
            This will be done on {plan.provider} {emulated && <EmulatedBadge />}
          </StateLabel>
        ) : (
          <StateLabel tone="bad">{plan.provider} cannot do this</StateLabel>
        )}
        <Text span size="xs" c="dimmed" title={plan.digest}>
          plan <span className="mono">{plan.digest.slice(0, 12)}</span>
        </Text>
      </div>
      {refused.length > 0 && (
        <ul className={classes.lines}>
          {refused.map(({ path, field, reason }) => (
            <li key={`${path ?? field}:${reason}`}>
              <span className="mono">{path ?? field}</span> {reason}
            </li>
          ))}
        </ul>
      )}
      <dl className={classes.facts}>
        {facts.map(
          ([name, value]) =>
            value !== undefined && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
      {entries.length > 0 && (
        <ul className={classes.entries}>
          {entries.map((entry) => (
            <li key={entry.path}>
              <span className="mono">{entry.path}</span>
              <span>{contents(entry)}</span>
            </li>
          ))}
        </ul>
      )}
      {policy.setup.length > 0 && (
        <Text size="sm" mt={8}>
          Then {policy.setup.length === 1 ? 'one command' : `${policy.setup.length} commands`} of
          setup:{' '}
          <span className="mono">
            {policy.setup
              .map((command) => (typeof command === 'string' ? command : command.join(' ')))
              .join('; ')}
          </span>
        </Text>
      )}
    </>
  );
}

function contents({ type, files, directories, bytes, commit }: Plan['entries'][number]): string {
  if (commit !== undefined) return `${type}, commit ${commit.slice(0, 12)}`;
  if (type === 'output') return 'output, fetched at the end';
  if (files === 0) return directories === 0 ? type : 'directory';
  return `${files === 1 ? 'one file' : `${files} files`}, ${formatBytes(bytes)}`;
}
