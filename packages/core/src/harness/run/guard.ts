import { SandboxError } from '../../errors/sandbox-error.ts';
import type { EventFacts } from '../journal/run-event.ts';
import type { Budget } from '../policy/budget.ts';
import { askId, decide, type Policy, type Subject } from '../policy/policy.ts';
import type { Pass } from './pass.ts';
import { currentFrame, type Frame } from './scope.ts';

/** What stands between a run's code and its sandbox: only in steps, and only what the policy allows. */
export class Guard {
  readonly #pass: Pass;
  readonly #scope: string;
  readonly #policy: Policy;
  readonly #budget: Budget;

  constructor(pass: Pass, scope: string, policy: Policy, budget: Budget) {
    this.#pass = pass;
    this.#scope = scope;
    this.#policy = policy;
    this.#budget = budget;
  }

  /** The step that the caller is in. Outside of one nothing is recorded, so nothing may be done. */
  frame(operation: string): Frame {
    this.#pass.throwIfEnded();
    this.#budget.checkTime();
    const frame = currentFrame();
    if (frame?.scope === this.#scope) return frame;
    const where = frame
      ? `inside a step of another scope (${frame.scope || 'the run'})`
      : 'outside of a step';
    throw new SandboxError(
      'failed-precondition',
      `${operation} ${where}: use the sandbox of a run or branch in its own steps, so that it is recorded`,
      { operation },
    );
  }

  /** Allows, refuses with `permission-denied`, or suspends the run until someone has answered. */
  async check(operation: string, subject: Subject): Promise<Frame> {
    const frame = this.frame(operation);
    if (subject.kind === 'command') this.#budget.spend('commands');
    const action = decide(this.#policy, subject);
    if (action === 'allow') return frame;
    if (action === 'ask') await this.#ask(frame, subject);
    else await this.#refuse(frame, subject, 'the policy denies it');
    return frame;
  }

  /** Facts that every event of this scope begins with. */
  facts(frame: Frame): Pick<EventFacts, 'scope' | 'step'> {
    return { ...(this.#scope === '' ? {} : { scope: this.#scope }), step: frame.step };
  }

  async #ask(frame: Frame, subject: Subject): Promise<void> {
    const id = askId(this.#pass.run, frame.place, subject);
    const { answers } = this.#pass.state;
    const answer = answers.get(id);
    if (answer === true) return;
    if (answer === false) return this.#refuse(frame, subject, 'a person denied it');
    if (!answers.has(id)) {
      const facts = { ...this.facts(frame), facts: { ask: id, kind: subject.kind } };
      await this.#pass.log.commit({ ...facts, type: 'policy.asked' }, { subject: subject.subject });
    }
    const ask = { id, ...subject, ...this.facts(frame) };
    throw this.#pass.stop({ kind: 'suspend', ask });
  }

  async #refuse(frame: Frame, { kind, subject }: Subject, why: string): Promise<never> {
    const facts = { ...this.facts(frame), facts: { kind } };
    await this.#pass.log.commit({ ...facts, type: 'policy.denied' }, { subject });
    throw new SandboxError('permission-denied', `${kind} ${JSON.stringify(subject)}: ${why}`, {
      operation: 'policy',
      details: { reason: 'policy', kind },
    });
  }
}
