import { Text } from '@mantine/core';
import { type ReactNode, useMemo } from 'react';
import type { RunView } from '../../../../src/protocol/runs.ts';
import { formatDuration } from '../../parts/amounts.ts';
import { BranchLane } from './branch-lane.tsx';
import { HarnessLane, WorkspaceLane } from './run-lanes.tsx';
import { useNow } from './run-queries.ts';
import { TimeScale } from './time-scale.ts';
import type { RunTimeline } from './timeline.ts';
import classes from './timeline-chart.module.css';

/** The shortest time that the whole width stands for while the run goes on. */
const LEAST_MS = 8_000;

/** The run over time: who drove it, its own workspace, and a lane for each document. */
export function TimelineChart({
  run,
  timeline,
  onKill,
  killing,
}: {
  run: RunView;
  timeline: RunTimeline;
  /** Of a branch, or of the run's own workspace. */
  onKill: (scope: string | undefined) => void;
  killing: string | undefined;
}): ReactNode {
  const moves = run.harness.alive && (run.state === 'running' || run.state === 'starting');
  const now = useNow(moves);
  const end = moves ? Math.max(now, timeline.lastAt) : timeline.lastAt;
  const scale = useMemo(
    () => new TimeScale(timeline.startedAt, end, timeline.gaps, moves ? LEAST_MS : 1_000),
    [timeline, end, moves],
  );
  const waves = useMemo(() => [...Map.groupBy(run.list, ({ wave }) => wave)], [run.list]);
  const recorded = new Set(run.results.map(({ document }) => document));
  return (
    <section className={classes.chart} aria-label="Timeline">
      <div className={classes.axis} aria-hidden>
        <span />
        <div className={classes.track}>
          {scale.marks().map(({ at, label }) => (
            <span key={label} className={classes.mark} style={{ left: `${at}%` }}>
              {label}
            </span>
          ))}
        </div>
        <span />
      </div>
      <div className={classes.body}>
        <div className={classes.backdrop} aria-hidden>
          <span />
          <div className={classes.track}>
            {scale.gaps.map(({ at, width, milliseconds }) => (
              <span
                key={at}
                className={classes.gap}
                style={{ left: `${at}%`, width: `${width}%` }}
                title={`Nobody drove the run for ${formatDuration(milliseconds)}`}
              />
            ))}
            {moves && <span className={classes.now} style={{ left: `${scale.place(now)}%` }} />}
          </div>
          <span />
        </div>
        <ul className={classes.lanes}>
          <HarnessLane run={run} drivers={timeline.drivers} scale={scale} end={end} />
          <WorkspaceLane
            timeline={timeline}
            scale={scale}
            end={end}
            alive={moves}
            onKill={onKill}
            killing={killing === ''}
          />
        </ul>
        {waves.map(([wave, documents]) => (
          <div key={wave}>
            <div className={classes.wave}>
              <Text span size="xs" fw={650}>
                {wave}
              </Text>
              <Text span size="xs" c="dimmed" className="numbers">
                {documents.filter(({ name }) => recorded.has(name)).length} of {documents.length}
              </Text>
            </div>
            <ul className={classes.lanes}>
              {documents.map((document) => {
                const lane = [...timeline.lanes.values()].find(
                  (each) => each.wave === wave && each.index === document.index,
                );
                return (
                  <BranchLane
                    key={document.name}
                    run={run}
                    document={document}
                    lane={lane}
                    scale={scale}
                    end={end}
                    alive={moves}
                    killing={lane !== undefined && killing === lane.scope}
                    onKill={onKill}
                  />
                );
              })}
            </ul>
          </div>
        ))}
      </div>
      <Legend />
    </section>
  );
}

function Legend(): ReactNode {
  const kinds = [
    ['making', 'sandbox is made'],
    ['hold', 'held'],
    ['work', 'reading the document'],
    ['recorded', 'recorded'],
    ['lost', 'sandbox lost'],
    ['interrupted', 'harness gone'],
    ['checkpoint', 'checkpoint'],
  ] as const;
  return (
    <div className={classes.legend} aria-hidden>
      {kinds.map(([kind, label]) => (
        <span key={kind}>
          <i data-kind={kind} />
          {label}
        </span>
      ))}
    </div>
  );
}
