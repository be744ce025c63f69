import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Provider, SandboxRef } from '@gantry/core';
import {
  createHarness,
  fileSigner,
  type Harness,
  type HarnessOptions,
  type RunOptions,
  type ShownEvent,
  sqliteJournal,
} from '@gantry/core/harness';
import { memoryStore } from '@gantry/core/snapshot';
import type { CheckContext } from '../../runner/check-context.ts';

/** A harness over the subject, with a journal of its own; disposing removes what it kept. */
export interface DurableSetting extends AsyncDisposable {
  readonly harness: Harness;
  /** How a run's sandbox is made, so that the runner knows it as its own. */
  readonly sandbox: NonNullable<RunOptions['sandbox']>;
  /** Another harness over the same journal, as another process would open it. */
  readonly reopen: () => Promise<Harness>;
  /** Closes the first journal, as the end of its process would. */
  readonly close: () => Promise<void>;
  readonly events: (run: string) => Promise<readonly ShownEvent[]>;
  /** The sandboxes that a run's record names as made. */
  readonly made: (run: string) => Promise<readonly SandboxRef[]>;
}

/** Opens one over the subject, or over the subject with something around it. */
export async function durable(
  t: CheckContext,
  provider: Provider = t.provider,
  options: Partial<HarnessOptions> = {},
): Promise<DurableSetting> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'gantry-conformance-'));
  const store = memoryStore();
  const signer = await fileSigner(path.join(directory, 'signer'));
  const closing: (() => Promise<void>)[] = [];
  const open = (): { harness: Harness; close: () => Promise<void> } => {
    const journal = sqliteJournal(path.join(directory, 'journal'));
    const close = (): Promise<void> => journal.close();
    closing.push(close);
    const providers = { subject: provider };
    return { harness: createHarness({ journal, providers, store, signer, ...options }), close };
  };
  const { harness, close } = open();
  const eventsOf = async (by: Harness, run: string): Promise<readonly ShownEvent[]> =>
    Array.fromAsync(by.events(run));
  let reading = harness;
  const made = async (run: string): Promise<readonly SandboxRef[]> =>
    (await eventsOf(reading, run)).flatMap(({ type, facts }) => {
      const ref = facts?.['ref'];
      if (type !== 'sandbox.created' || typeof ref !== 'string') return [];
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the harness itself has written
      const parsed = JSON.parse(ref) as SandboxRef;
      t.adopt(parsed);
      return [parsed];
    });
  return {
    harness,
    sandbox: { labels: t.state.labels },
    close,
    async reopen() {
      reading = open().harness;
      return reading;
    },
    events: (run) => eventsOf(reading, run),
    made,
    async [Symbol.asyncDispose]() {
      for await (const { run } of reading.runs()) await made(run);
      for (const end of closing) await end();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
