import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { BranchView, ComparisonView } from '../../../../src/protocol/compare.ts';
import { formatDuration } from '../../parts/amounts.ts';
import { ProviderName } from '../../parts/badges.tsx';
import { Bar } from '../run/branch-lane.tsx';
import { useNow } from '../run/run-queries.ts';
import { TimeScale } from '../run/time-scale.ts';
import { isScripted } from './scripted.ts';
import chart from '../run/timeline-chart.module.css';

const LEAST_MS = 300;

/** The branches over one clock: how long each took to be there, to run, and to be compared. */
export function BranchTimeline({ comparison }: { comparison: ComparisonView }): ReactNode {
  const { branches, startedAt, state } = comparison;
  const now = useNow(state === 'running') - startedAt;
  const last = Math.max(
    0,
    ...branches.map(({ startedMs = 0, readyMs = 0, ranMs = 0, comparedMs = 0 }) =>
      Math.max(startedMs, readyMs, ranMs, comparedMs),
    ),
  );
  const end = state === 'running' ? Math.max(now, last) : last;
  const scale = new TimeScale(0, end, [], LEAST_MS);
  const hasAgents = branches.some(({ task }) => task !== undefined);
  const hasCommands = branches.some(({ command }) => command !== undefined);
  return (
    <section className={chart.chart} aria-label="Timeline">
      <div className={chart.axis} aria-hidden>
        <span />
        <div className={chart.track}>
          {scale.marks().map(({ at, label }) => (
            <span key={label} className={chart.mark} style={{ left: `${at}%` }}>
              {label}
            </span>
          ))}
        </div>
        <span />
      </div>
      <div className={chart.body}>
        <ul className={chart.lanes}>
          {branches.map((branch) => (
            <Lane key={branch.index} branch={branch} scale={scale} end={end} />
          ))}
        </ul>
      </div>
      <div className={chart.legend} aria-hidden>
        <span>
          <i data-kind="making" />
          sandbox is made
        </span>
        <span>
          <i data-kind="work" />
          {hasCommands ? (hasAgents ? 'command or tool runs' : 'command runs') : 'tool runs'}
        </span>
        {hasAgents && (
          <span>
            <i data-kind="turn" />
            {branches.some(isScripted) ? 'script chooses' : 'model thinks'}
          </span>
        )}
        <span>
          <i data-kind="hold" />
          contents are compared
        </span>
      </div>
    </section>
  );
}

function Lane({
  branch,
  scale,
  end,
}: {
  branch: BranchView;
  scale: TimeScale;
  end: number;
}): ReactNode {
  const { index, provider, emulated, startedMs, readyMs, ranMs, comparedMs, state } = branch;
  const { agent } = branch;
  const ended = ['done', 'failed', 'kept', 'gone'].includes(state);
  const until = (next: number | undefined, from: number): number => next ?? (ended ? from : end);
  const stages = [
    ['making', startedMs, readyMs],
    [branch.task === undefined ? 'work' : 'idle', readyMs, ranMs],
    ['hold', ranMs, comparedMs],
  ] as const;
  const words = stages.flatMap(([kind, from, to]) =>
    from === undefined || to === undefined ? [] : [`${names[kind]} ${formatDuration(to - from)}`],
  );
  return (
    <li className={chart.lane} data-own>
      <span className={chart.label}>
        <Text span size="xs" fw={650} className="numbers">
          {index + 1}
        </Text>
        <Text span size="xs" truncate>
          <ProviderName id={provider} emulated={emulated} />
        </Text>
      </span>
      <span className="visually-hidden">{words.join(', ')}</span>
      <div className={chart.track} aria-hidden>
        {stages.map(([kind, from, to]) =>
          from === undefined ? null : (
            <Bar
              key={kind}
              kind={kind}
              from={from}
              to={until(to, from)}
              scale={scale}
              title={words.join(', ')}
            />
          ),
        )}
        {agent?.steps.map(({ kind, name, startedMs: from, endedMs }, place) => (
          <Bar
            key={agent.earlier + place}
            kind={kind === 'tool' ? 'work' : 'turn'}
            from={from}
            to={endedMs ?? until(ranMs, from)}
            scale={scale}
            title={kind === 'tool' ? name : (agent.model.vendor ?? 'script')}
          />
        ))}
        {state === 'failed' && (
          <span
            className={chart.cap}
            data-kind="failed"
            style={{ left: `${scale.place(comparedMs ?? ranMs ?? readyMs ?? startedMs ?? 0)}%` }}
          />
        )}
      </div>
      <span className={chart.action} />
    </li>
  );
}

const names = {
  making: 'made in',
  work: 'ran for',
  idle: 'worked for',
  hold: 'compared in',
} as const;
