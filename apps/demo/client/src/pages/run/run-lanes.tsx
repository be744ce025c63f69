import { Text, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { RunView } from '../../../../src/protocol/runs.ts';
import { formatDuration } from '../../parts/amounts.ts';
import { Bar } from './branch-lane.tsx';
import { KillButton } from './kill-button.tsx';
import type { TimeScale } from './time-scale.ts';
import type { Driver, RunTimeline } from './timeline.ts';
import classes from './timeline-chart.module.css';

const endings = {
  done: 'ended well',
  waiting: 'let go of the run, which waits',
  killed: 'was gone',
};

/** The processes that drove the run, one after another. */
export function HarnessLane({
  run,
  drivers,
  scale,
  end,
}: {
  run: RunView;
  drivers: readonly Driver[];
  scale: TimeScale;
  end: number;
}): ReactNode {
  const killed = drivers.filter(({ ended }) => ended === 'killed').length;
  return (
    <li className={classes.lane} data-own>
      <span className={classes.label}>
        <Text span size="xs" fw={600}>
          Harness
        </Text>
        {run.harness.pid !== undefined && (
          <Text span size="xs" c="dimmed" className="numbers">
            pid {run.harness.pid}
          </Text>
        )}
      </span>
      <span className="visually-hidden">
        {drivers.length} processes, {killed} killed
      </span>
      <div className={classes.track} aria-hidden>
        {drivers.map(({ epoch, startedAt, endedAt, ended }) => {
          const how = ended === undefined ? 'drives the run' : endings[ended];
          const to = endedAt ?? end;
          const title = `Epoch ${epoch}: ${formatDuration(to - startedAt)}, ${how}`;
          return (
            <span key={epoch}>
              <Bar kind="driver" from={startedAt} to={to} scale={scale} title={title} />
              {ended === 'killed' && (
                <span
                  className={classes.cap}
                  data-kind="lost"
                  style={{ left: `${scale.place(to)}%` }}
                  title={title}
                />
              )}
            </span>
          );
        })}
      </div>
      <span className={classes.action} />
    </li>
  );
}

const origins = {
  fresh: 'made of its manifest',
  rehydrated: 'rehydrated from a checkpoint',
  reattached: 'the same sandbox, reattached',
};

/** The run's own workspace: the sandboxes that it was in, its steps, and its checkpoints. */
export function WorkspaceLane({
  timeline,
  scale,
  end,
  alive,
  killing,
  onKill,
}: {
  timeline: RunTimeline;
  scale: TimeScale;
  end: number;
  alive: boolean;
  killing: boolean;
  onKill: (scope: undefined) => void;
}): ReactNode {
  const { stays, steps, checkpoints } = timeline;
  const live = alive && stays.some(({ endedAt }) => endedAt === undefined);
  const rehydrated = stays.filter(({ how }) => how === 'rehydrated').length;
  return (
    <li className={classes.lane} data-own data-live={live || undefined}>
      <span className={classes.label}>
        <Text span size="xs" fw={600}>
          Workspace
        </Text>
        {rehydrated > 0 && (
          <Text span size="xs" c="dimmed" className="numbers">
            rehydrated {rehydrated}×
          </Text>
        )}
      </span>
      <span className="visually-hidden">
        {stays.length} sandboxes, {rehydrated} rehydrated, {checkpoints.length} checkpoints
      </span>
      <div className={classes.track}>
        {stays.map(({ sandbox, how, startedAt, endedAt, lost }) => {
          const title = `${sandbox}: ${origins[how]}${lost ? ', lost' : ''}`;
          return (
            <span key={startedAt} aria-hidden>
              <Bar kind={how} from={startedAt} to={endedAt ?? end} scale={scale} title={title} />
              {lost && endedAt !== undefined && (
                <span
                  className={classes.cap}
                  data-kind="lost"
                  style={{ left: `${scale.place(endedAt)}%` }}
                />
              )}
            </span>
          );
        })}
        {steps.map(({ name, startedAt, endedAt, superseded }) => (
          <span key={`${name}${startedAt}`} aria-hidden>
            <Bar
              kind={superseded ? 'superseded' : 'step'}
              from={startedAt}
              to={endedAt ?? end}
              scale={scale}
              title={`Step ${name}${superseded ? ', taken back' : ''}`}
            />
          </span>
        ))}
        {checkpoints.map(({ at, sequence, snapshot, tree }) => (
          <Tooltip key={sequence} label={`Checkpoint at event ${sequence}: ${tree.slice(0, 12)}`}>
            <Link
              href={`/snapshots/${snapshot}`}
              className={classes.checkpoint}
              style={{ left: `${scale.place(at)}%` }}
              aria-label={`Checkpoint at event ${sequence}: see its snapshot`}
            />
          </Tooltip>
        ))}
      </div>
      <KillButton
        name="the run's own workspace"
        shown={live}
        busy={killing}
        onClick={() => {
          onKill(undefined);
        }}
      />
    </li>
  );
}
