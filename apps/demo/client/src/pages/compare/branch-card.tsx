import { Badge, Button, Text } from '@mantine/core';
import { IconBookmark, IconPlayerStop } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { BranchView } from '../../../../src/protocol/compare.ts';
import { formatDuration } from '../../parts/amounts.ts';
import { ProviderName, ScriptedBadge, StateLabel } from '../../parts/badges.tsx';
import { DifferenceList } from '../../parts/difference-list.tsx';
import { AgentSteps } from './agent-steps.tsx';
import classes from './page.module.css';

const made = {
  fork: "the provider's own fork",
  'native-snapshot': "the provider's own snapshot",
  snapshot: 'the portable snapshot',
} as const;

const states = {
  waiting: { tone: 'idle', label: 'waits' },
  making: { tone: 'active', label: 'is made' },
  running: { tone: 'active', label: 'runs' },
  looking: { tone: 'active', label: 'is compared' },
  done: { tone: 'good', label: 'done' },
  failed: { tone: 'bad', label: 'failed' },
  kept: { tone: 'good', label: 'kept' },
  gone: { tone: 'idle', label: 'ended' },
} as const;

/** One branch: what was done in it, what came out, and what that changed. */
export function BranchCard({
  branch,
  base,
  canKeep,
  keeping,
  onKeep,
  stopping,
  onStop,
}: {
  branch: BranchView;
  base: string;
  canKeep: boolean;
  keeping: boolean;
  onKeep: () => void;
  stopping: boolean;
  onStop: () => void;
}): ReactNode {
  const { index, provider, emulated, command, task, state, by, exit, output } = branch;
  const { agent, differences } = branch;
  const { tone, label } = states[state];
  const took =
    branch.readyMs === undefined || branch.startedMs === undefined
      ? undefined
      : formatDuration(branch.readyMs - branch.startedMs);
  return (
    <article className={classes.card} aria-label={`Branch ${index + 1}`} data-state={state}>
      <header className={classes.cardHead}>
        <Text span fw={650}>
          {index + 1}
        </Text>
        <ProviderName id={provider} emulated={emulated} />
        <span className={classes.spring} />
        <StateLabel tone={tone} busy={tone === 'active'}>
          {label}
        </StateLabel>
      </header>
      {task === undefined ? (
        <pre className={classes.line} title={command}>
          $ {command}
        </pre>
      ) : (
        <div
          className={classes.task}
          tabIndex={0}
          role="group"
          aria-label={`Task of branch ${index + 1}`}
        >
          {task}
        </div>
      )}
      <div className={classes.tags}>
        {by !== undefined && (
          <Badge variant="default">
            {made[by]}
            {took === undefined ? '' : `, ${took}`}
          </Badge>
        )}
        {agent !== undefined &&
          (agent.model.vendor === undefined ? (
            <ScriptedBadge />
          ) : (
            <Badge variant="default" title={`A model of ${agent.model.vendor}`}>
              {agent.model.id}
            </Badge>
          ))}
        {branch.stopped === true && (
          <Badge variant="default" c="var(--warn)">
            stopped by hand
          </Badge>
        )}
        {agent?.status !== undefined && agent.status !== 'finished' && (
          <Badge variant="default" c="var(--warn)">
            {agent.status === 'refused' ? 'answer withheld' : 'out of turns'}
          </Badge>
        )}
        {exit !== undefined && (
          <Badge variant="default" c={exit.code === 0 ? 'var(--good)' : 'var(--bad)'}>
            {exit.code === undefined ? (exit.signal ?? 'exit unknown') : `exit ${exit.code}`}
          </Badge>
        )}
      </div>
      {task === undefined ? (
        <pre className={classes.output} tabIndex={0} aria-label={`Output of branch ${index + 1}`}>
          {output === '' ? <span className={classes.none}>no output</span> : output}
        </pre>
      ) : (
        <AgentSteps index={index} agent={agent} />
      )}
      {branch.error !== undefined && (
        <Text size="sm" className={classes.error} role="alert">
          {branch.error.message}
        </Text>
      )}
      <div className={classes.changes}>
        <Text size="xs" fw={620} px="md" py={8}>
          {differences === undefined
            ? 'What it changed'
            : differences.length === 0
              ? 'Changed nothing'
              : `Changed ${differences.length} ${differences.length === 1 ? 'path' : 'paths'}${branch.differencesTruncated ? ' and more' : ''}`}
        </Text>
        {differences !== undefined && differences.length > 0 && (
          <DifferenceList differences={differences} />
        )}
      </div>
      <footer className={classes.cardFoot}>
        {branch.snapshot !== undefined && (
          <Link href={`/snapshots/${branch.snapshot}?with=${base}`} className={classes.tree}>
            contents <span className="mono">{branch.tree?.slice(0, 12)}</span>
          </Link>
        )}
        <span className={classes.spring} />
        {state === 'running' && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlayerStop size={14} aria-hidden />}
            loading={stopping}
            onClick={onStop}
          >
            Stop
          </Button>
        )}
        <Button
          size="xs"
          variant="light"
          leftSection={<IconBookmark size={14} aria-hidden />}
          disabled={!canKeep}
          loading={keeping}
          onClick={onKeep}
        >
          {state === 'kept' ? 'Kept' : 'Keep this one'}
        </Button>
      </footer>
    </article>
  );
}
