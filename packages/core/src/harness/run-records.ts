import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError } from '../errors/sandbox-error.ts';
import type { HarnessOptions } from './harness-options.ts';
import type { Answer, EventOptions, ShownEvent } from './harness-types.ts';
import { BodyCipher } from './journal/body-cipher.ts';
import { parseEvent, type RunEvent, textFact } from './journal/run-event.ts';
import { noSuchRun, openForWriting } from './open-for-writing.ts';
import { artifactPrefix } from './run/artifact.ts';
import { readEvents } from './run/read-run.ts';
import { runSnapshots } from './run/run-snapshots.ts';
import { RunStateBuilder } from './run/run-state.ts';
import type { Artifact, Ask } from './run/run-types.ts';
import type { WorkspaceSaver } from './run/workspace-saver.ts';

/** How often a reader that follows looks for more. */
const followMs = 100;

/** What a harness knows of its runs afterwards, and the few things that are added from outside of them. */
export class RunRecords {
  readonly #options: HarnessOptions;

  readonly #saver: WorkspaceSaver | undefined;

  constructor(options: HarnessOptions, saver: WorkspaceSaver | undefined) {
    this.#options = options;
    this.#saver = saver;
  }

  async *events(
    run: string,
    { follow = false, signal }: EventOptions = {},
  ): AsyncGenerator<ShownEvent> {
    const { journal } = this.#options;
    const state = new RunStateBuilder();
    const all: RunEvent[] = [];
    for await (const event of readEvents(journal, run)) {
      state.add(event);
      all.push(event);
    }
    for (const event of all) yield { ...event, superseded: state.superseded.has(event.sequence) };
    if (follow) yield* this.#follow(run, all.length, signal);
  }

  async *#follow(
    run: string,
    after: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ShownEvent> {
    const { journal } = this.#options;
    for (let last = after; ;) {
      if (signal?.aborted) return;
      // The status first: what it ended with is then among the events.
      const status = (await journal.find(run))?.status;
      for await (const { sequence, text } of journal.read(run, { after: last })) {
        last = sequence;
        yield { ...parseEvent(text, run, sequence), superseded: false };
      }
      if (status !== 'running') return;
      await delay(followMs);
    }
  }

  async body(run: string, sequence: number): Promise<unknown> {
    const { journal } = this.#options;
    const key = await journal.key(run);
    const entry = await journal.entry(run, sequence);
    if (!key || !entry?.body) return undefined;
    return new BodyCipher(key).open(entry.body, run, sequence);
  }

  async asks(run: string): Promise<readonly Ask[]> {
    const state = new RunStateBuilder();
    const asked = new Map<string, RunEvent>();
    for await (const event of readEvents(this.#options.journal, run)) {
      state.add(event);
      if (event.type === 'policy.asked') asked.set(textFact(event, 'ask', ''), event);
    }
    const open = [...asked].filter(([id]) => state.answers.get(id) === undefined);
    return Promise.all(open.map(([id, event]) => this.#ask(run, id, event)));
  }

  /** Writes an answer to a run that nobody drives. */
  async answer(
    run: string,
    ask: string,
    answer: Answer,
    owner: string,
    claimMs: number,
  ): Promise<void> {
    if (!(await this.asks(run)).some(({ id }) => id === ask)) {
      throw new SandboxError('not-found', `run ${run} asks nothing with the id ${ask}`, {
        operation: 'harness.approve',
      });
    }
    const { journal } = this.#options;
    const { log, claim } = await openForWriting(this.#options, run, owner, claimMs);
    try {
      const { allow, by, note } = answer;
      const facts = { ask, allow };
      const body = note === undefined ? undefined : { note };
      await log.commit({ type: 'policy.answered', actor: by, facts }, body, { sign: true });
    } finally {
      await journal.unclaim(run, claim.epoch);
    }
  }

  async artifact({ run, key, sha256 }: Artifact): Promise<Uint8Array> {
    const { journal, store } = this.#options;
    const runKey = await journal.key(run);
    if (!store || !runKey || !key.startsWith(artifactPrefix(run))) {
      throw new SandboxError(
        'not-found',
        `artifact ${key} cannot be read: its run was erased, or there is no store`,
        {
          operation: 'harness.artifact',
        },
      );
    }
    const sealed = new Uint8Array(await new Response(await store.get(key)).arrayBuffer());
    const bytes = new BodyCipher(runKey).openBytes(sealed, key);
    if (createHash('sha256').update(bytes).digest('hex') === sha256) return bytes;
    throw new SandboxError('data-loss', `artifact ${key} is not what was recorded`, {
      operation: 'harness.artifact',
    });
  }

  async erase(run: string, owner: string, claimMs: number): Promise<void> {
    const { journal, store } = this.#options;
    const found = await journal.find(run);
    if (!found) throw noSuchRun(run);
    if (found.status === 'erased') return;
    if (!(await journal.key(run))) {
      // One that was cut short: the key is gone, and what it opened goes now.
      const claim = await journal.claim(run, { owner, ttlMs: claimMs });
      await journal.erase(run, claim.epoch);
      await journal.append(run, claim.epoch, found.head, [], { status: 'erased' });
      await journal.unclaim(run, claim.epoch);
      return;
    }
    const { log, claim } = await openForWriting(this.#options, run, owner, claimMs);
    try {
      if (store) {
        for await (const { key } of store.list(artifactPrefix(run))) await store.delete(key);
      }
      const { checkpoints, branches } = await runSnapshots(journal, run);
      for (const each of [...checkpoints, ...branches]) await this.#saver?.forget(each);
      // The event before the deed: an erasure that was cut short is done again, and the record says that it was meant.
      await log.commit({ type: 'run.erased' }, undefined, { status: found.status, sign: true });
      await journal.erase(run, claim.epoch);
      await log.commit({ type: 'run.erased', facts: { done: true } }, undefined, {
        status: 'erased',
        sign: true,
      });
    } finally {
      await journal.unclaim(run, claim.epoch);
    }
  }

  async #ask(run: string, id: string, event: RunEvent): Promise<Ask> {
    const body = await this.body(run, event.sequence);
    const subject =
      typeof body === 'object' && body !== null && 'subject' in body ? String(body.subject) : '';
    const kind = event.facts?.['kind'];
    return {
      id,
      kind: kind === 'path' || kind === 'host' || kind === 'tool' ? kind : 'command',
      subject,
      ...(event.step === undefined ? {} : { step: event.step }),
      ...(event.scope === undefined ? {} : { scope: event.scope }),
    };
  }
}
