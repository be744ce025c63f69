import { Text } from '@mantine/core';
import { memo, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { RunDocument, RunView } from '../../../../src/protocol/runs.ts';
import { formatDuration } from '../../parts/amounts.ts';
import { KillButton } from './kill-button.tsx';
import type { TimeScale } from './time-scale.ts';
import type { Attempt, Lane } from './timeline.ts';
import classes from './timeline-chart.module.css';

/** Of a name in a lane, in characters. */
const LONGEST_NAME = 26;

/** One document's branch over time, each try with a sandbox of its own. */
export const BranchLane: (props: {
  run: RunView;
  document: RunDocument;
  lane: Lane | undefined;
  scale: TimeScale;
  end: number;
  alive: boolean;
  killing: boolean;
  onKill: (scope: string) => void;
}) => ReactNode = memo(function BranchLane({
  run,
  document,
  lane,
  scale,
  end,
  alive,
  killing,
  onKill,
}) {
  const current = lane?.attempts.at(-1);
  const live = alive && current?.outcome === 'live' && current.sandbox !== undefined;
  const isRecorded = current?.outcome === 'recorded';
  const name = ending(document.name.replace(/^.*\//, ''));
  const label = (
    <Text span size="xs" truncate title={document.name}>
      {name}
    </Text>
  );
  return (
    <li className={classes.lane} data-live={live || undefined}>
      <span className={classes.label}>
        {isRecorded && document.expected === 'record' ? (
          <Link href={`/runs/${run.id}/records/${encodeURIComponent(document.name)}`}>{label}</Link>
        ) : (
          label
        )}
      </span>
      <span className="visually-hidden">{inWords(lane)}</span>
      <div className={classes.track} aria-hidden>
        {lane?.attempts.map((attempt) => (
          <AttemptBars key={attempt.startedAt} attempt={attempt} scale={scale} end={end} />
        ))}
      </div>
      <KillButton
        name={document.name}
        shown={live}
        busy={killing}
        onClick={() => {
          if (lane) onKill(lane.scope);
        }}
      />
    </li>
  );
});

function AttemptBars({
  attempt,
  scale,
  end,
}: {
  attempt: Attempt;
  scale: TimeScale;
  end: number;
}): ReactNode {
  const { startedAt, readyAt, outcome, steps, sandbox = 'no sandbox yet' } = attempt;
  const endedAt = attempt.endedAt ?? end;
  const took = formatDuration(endedAt - startedAt);
  const about = `Attempt ${attempt.attempt}, ${sandbox}: ${outcome} after ${took}`;
  const ended = outcome === 'lost' || outcome === 'interrupted' || outcome === 'failed';
  return (
    <>
      <Bar kind="making" from={startedAt} to={readyAt ?? endedAt} scale={scale} title={about} />
      {readyAt !== undefined && (
        <Bar
          kind={ended ? outcome : 'idle'}
          from={readyAt}
          to={endedAt}
          scale={scale}
          title={about}
        />
      )}
      {!ended &&
        steps.map(({ name, startedAt: from, endedAt: to }) => (
          <Bar
            key={`${name}${from}`}
            kind={name === 'hold' ? 'hold' : 'work'}
            from={from}
            to={to ?? endedAt}
            scale={scale}
            title={about}
          />
        ))}
      {outcome !== 'live' && (
        <span
          className={classes.cap}
          data-kind={outcome}
          style={{ left: `${scale.place(endedAt)}%` }}
        />
      )}
    </>
  );
}

/** A stretch of a lane. */
export function Bar({
  kind,
  from,
  to,
  scale,
  title,
}: {
  kind: string;
  from: number;
  to: number;
  scale: TimeScale;
  title: string;
}): ReactNode {
  const left = scale.place(from);
  return (
    <span
      className={classes.bar}
      data-kind={kind}
      style={{ left: `${left}%`, width: `${Math.max(0.15, scale.place(to) - left)}%` }}
      title={title}
    />
  );
}

/** The end of a long name: many begin alike. */
function ending(name: string): string {
  return name.length > LONGEST_NAME ? `…${name.slice(1 - LONGEST_NAME)}` : name;
}

function inWords(lane: Lane | undefined): string {
  const last = lane?.attempts.at(-1);
  if (!lane || !last) return 'has not begun';
  const lost = lane.attempts.filter(({ outcome }) => outcome === 'lost').length;
  const tries = lane.attempts.length === 1 ? '1 attempt' : `${lane.attempts.length} attempts`;
  const losses = lost === 0 ? '' : `, ${lost} sandboxes lost`;
  return `${last.outcome === 'live' ? 'under way' : last.outcome}, ${tries}${losses}`;
}
