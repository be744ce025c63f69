import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { durableExtraction, openHarness } from '../durable-extraction.ts';
import { runJob } from '../job.ts';
import { isSuccess } from '../report.ts';
import { chooseProvider } from '../run-document.ts';
import { chooseModel } from './choose-model.ts';
import { writeExtractor } from './write-extractor.ts';

test('a scripted model writes the extractor in a sandbox, and the job runs with it', async () => {
  vi.stubEnv('ANTHROPIC_API_KEY', '');
  vi.stubEnv('OPENAI_API_KEY', '');
  onTestFinished(() => void vi.unstubAllEnvs());
  const output = await mkdtemp(path.join(tmpdir(), 'clinical-records-agent-'));
  onTestFinished(() => rm(output, { recursive: true }));
  const { signal } = new AbortController();
  const { provider } = await chooseProvider(undefined, signal);
  const told: string[] = [];
  const written = await writeExtractor(provider, output, 'one-agent', signal, (line) =>
    told.push(line),
  );
  expect(told[0]).toMatch(/^a script plays the model/);
  expect(told[1]).toMatch(/^finished after 5 turns and \d+ calls of tools/);
  expect(await readdir(written.extractor)).toContain(written.entry);
  await using open = await openHarness(output, provider);
  const report = await runJob({
    options: { concurrency: 2, output, only: 'CCD_1' },
    provider: provider.id,
    extractAll: durableExtraction(open.harness, provider, 'one', signal, written),
    startProgress: () => ({ finished: () => undefined, stop: () => undefined }),
  });
  expect(isSuccess(report)).toBe(true);
  expect(report.outcomes).not.toEqual([]);
  expect((await open.harness.verify('one-agent')).verdict).toBe('verified');
});

test('a key in the environment chooses a real model', async () => {
  const anthropic = await chooseModel({ ANTHROPIC_API_KEY: 'key' });
  expect(anthropic).toMatchObject({ told: 'model claude-sonnet-4-5 of Anthropic' });
  const openai = await chooseModel({ OPENAI_API_KEY: 'key', GANTRY_MODEL: 'gpt-6' });
  expect(openai).toMatchObject({ told: 'model gpt-6 of OpenAI', model: { modelId: 'gpt-6' } });
});
