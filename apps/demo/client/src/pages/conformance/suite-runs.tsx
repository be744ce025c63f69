import { Text } from '@mantine/core';
import { IconChecklist } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { ConformanceRun } from '../../../../src/protocol/conformance.ts';
import { moveByArrows } from '../../parts/arrow-keys.ts';
import { Ago } from '../../parts/ago.tsx';
import { ProviderName, StateLabel } from '../../parts/badges.tsx';
import { EmptyState } from '../../parts/empty-state.tsx';
import list from '../runs/page.module.css';

/** What the suite has found on this machine. */
export function SuiteRuns({ runs }: { runs: readonly ConformanceRun[] }): ReactNode {
  if (runs.length === 0)
    return (
      <EmptyState icon={IconChecklist} title="The suite has not run here yet">
        Choose a provider above. One profile takes seconds, the whole suite some minutes.
      </EmptyState>
    );
  return (
    <ul className={list.list} aria-label="Runs of the suite" onKeyDown={moveByArrows}>
      {runs.map((run) => {
        const { tone, label, busy } = suiteState(run);
        return (
          <li key={run.id}>
            <Link href={`/conformance/${run.id}`} className={list.row} data-row>
              <span className={list.name}>
                <Text span size="sm" fw={600}>
                  <ProviderName id={run.provider} emulated={run.emulated} />
                </Text>
                <Text span size="xs" c="dimmed" truncate>
                  {run.profiles.length === 0 ? 'the whole suite' : run.profiles.join(', ')}
                </Text>
              </span>
              <StateLabel tone={tone} busy={busy}>
                {label}
              </StateLabel>
              <span className={list.progress}>
                <span className={list.bar} aria-hidden>
                  <span
                    data-tone={tone}
                    style={{ width: `${(run.ended / Math.max(1, run.total)) * 100}%` }}
                  />
                </span>
                <Text span size="xs" c="dimmed" className="numbers">
                  {run.ended} of {run.total} checks
                </Text>
              </span>
              <Text span size="xs" c="dimmed" className="numbers">
                {run.counts.pass} passed
              </Text>
              <Text span size="xs" c="dimmed" className="numbers">
                {against(run)} against it
              </Text>
              <Text span size="xs" c="dimmed" ta="right">
                <Ago at={run.startedAt} />
              </Text>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}

/** How many results count against the provider. */
export function against({ counts }: Pick<ConformanceRun, 'counts'>): number {
  return counts.fail + counts.error + counts.untestable;
}

/** How the state of a run of the suite is told. */
export function suiteState(run: ConformanceRun): {
  tone: 'good' | 'warn' | 'bad' | 'idle' | 'active';
  label: string;
  busy: boolean;
} {
  if (run.state === 'running') return { tone: 'active', label: 'running', busy: true };
  if (run.state === 'cancelled') return { tone: 'idle', label: 'cancelled', busy: false };
  if (run.state === 'failed') return { tone: 'bad', label: 'could not run', busy: false };
  if (run.conformant === true) return { tone: 'good', label: 'conformant', busy: false };
  const only = run.profiles.length > 0 && against(run) === 0;
  return only
    ? { tone: 'good', label: 'all kept', busy: false }
    : { tone: 'bad', label: 'not conformant', busy: false };
}
