import type { RunEventView } from '../../../../src/protocol/provenance.ts';
import { reasonOf } from './timeline.ts';

/** Something that the reader of a run should not miss. */
export interface Moment {
  readonly sequence: number;
  readonly at: number;
  readonly tone: 'good' | 'warn' | 'bad' | 'idle' | 'active';
  readonly title: string;
  readonly detail?: string;
  /** A snapshot that it is about. */
  readonly snapshot?: string;
}

/** Tells a run's recoveries, checkpoints and decisions in words. `nameOf` gives the document of a branch's scope. */
export function readMoments(
  events: readonly RunEventView[],
  nameOf: (scope: string) => string,
): readonly Moment[] {
  const moments: Moment[] = [];
  const recorded = new Set<string>();
  const live = new Set<string>();
  let claims = 0;
  let rehydrating = false;
  let ended = true;
  for (const event of events) {
    const { type, time: at, sequence, scope, snapshot, after = '', facts } = event;
    const tell = (tone: Moment['tone'], title: string, detail?: string): void => {
      moments.push({
        ...{ sequence, at, tone, title },
        ...(detail === undefined ? {} : { detail }),
        ...(snapshot === undefined ? {} : { snapshot }),
      });
    };
    if (type === 'branch.recorded' && scope !== undefined) recorded.add(scope);
    if (type === 'sandbox.created' && scope !== undefined) live.add(scope);
    if (type === 'branch.recorded' && scope !== undefined) live.delete(scope);
    if (type === 'run.claimed') {
      claims += 1;
      if (claims > 1 && !ended) {
        tell(
          'bad',
          'The harness was gone',
          `${live.size} branches were in flight. A new process (epoch ${event.epoch}) took the run over.`,
        );
        tell('good', 'Went on', `${recorded.size} recorded documents are not done again.`);
      } else if (claims > 1) {
        tell('active', 'Went on', `A new process drives the run (epoch ${event.epoch}).`);
      }
      live.clear();
      ended = false;
    }
    if (['run.suspended', 'run.finished', 'run.failed'].includes(type)) ended = true;
    if (type === 'branch.started' && (event.attempt ?? 1) > 1 && scope !== undefined) {
      if (live.delete(scope))
        tell(
          'bad',
          `${nameOf(scope)} lost its sandbox`,
          `Attempt ${event.attempt} begins in a fresh one, made of the same manifest.`,
        );
    }
    if (type === 'rollback') {
      rehydrating = true;
      const to = Number(facts?.['to'] ?? 0);
      const where = to === 0 ? 'to its beginning' : `to the checkpoint at event ${to}`;
      tell('warn', `The workspace went back ${where}`, `${reasonOf(facts)}.`);
    }
    if (type === 'sandbox.created' && scope === undefined && snapshot !== undefined) {
      tell(
        'good',
        rehydrating ? 'Workspace rehydrated' : 'Workspace made from a checkpoint',
        `A new sandbox, ${short(event.sandbox)}, with exactly the contents ${after.slice(0, 12)}.`,
      );
      rehydrating = false;
    }
    if (type === 'sandbox.attached')
      tell('good', 'Workspace reattached', 'The same sandbox, found again by the new process.');
    if (type === 'checkpoint')
      tell('idle', 'Checkpoint', `Contents ${after.slice(0, 12)}, signed.`);
    if (type === 'policy.asked') tell('warn', 'Asked a person', `Step ${event.step ?? ''} waits.`);
    if (type === 'policy.answered')
      tell(
        facts?.['allow'] === true ? 'good' : 'bad',
        facts?.['allow'] === true ? 'Allowed' : 'Denied',
        `By ${event.actor}.`,
      );
    if (type === 'run.finished') tell('good', 'Finished');
    if (type === 'run.failed') tell('bad', 'Failed');
  }
  return moments.toReversed();
}

function short(sandbox = ''): string {
  const [provider = '', id = ''] = sandbox.split('/');
  return `${provider}/${id.slice(0, 8)}`;
}
