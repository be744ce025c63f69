import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Manifest } from '@gantry/core';
import {
  createHarness,
  type Harness,
  type HarnessOptions,
  sqliteJournal,
} from '@gantry/core/harness';
import { memoryStore } from '@gantry/core/snapshot';
import { local } from '@gantry/provider-local';
import { onTestFinished } from 'vitest';
import { type AgentOptions, type AgentResult, createAgent } from '../src/index.ts';

/** A directory for one test, removed when the test ends. */
export function testDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'gantry-agent-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/** A harness over local sandboxes, with all that it stands on gone when the test ends. */
export function testHarness(options: Partial<HarnessOptions> = {}): Harness {
  const journal = sqliteJournal(path.join(testDirectory(), 'journal'));
  onTestFinished(() => journal.close());
  return createHarness({
    journal,
    providers: { local: local() },
    store: memoryStore(),
    ...options,
  });
}

/** Runs an agent on a task as a run of its own, and gives what became of it and the files that it left. */
export async function runAgent(
  options: AgentOptions,
  { harness = testHarness(), manifest, task = 'the task' }: RunSetting = {},
): Promise<{ readonly result: AgentResult; readonly files: string; readonly harness: Harness }> {
  const agent = createAgent({ ...options, ...(manifest ? { manifest } : {}) });
  const outcome = await harness.run(
    'agent',
    manifest ? { sandbox: { manifest } } : {},
    async (run) => {
      const result = await agent.run(run, task);
      const files = await run.step('files', async () => {
        const { stdout } = await run.sandbox.exec(
          'find . -type f | sort | while read -r f; do echo "$f: $(cat "$f")"; done',
        );
        return stdout.text;
      });
      return { result, files };
    },
  );
  if (outcome.status !== 'finished') throw new Error(`the run is ${outcome.status}`);
  return { ...outcome.value, harness };
}

/** In what an agent is run. */
export interface RunSetting {
  readonly harness?: Harness;
  readonly manifest?: Manifest;
  readonly task?: string;
}
