import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SandboxError } from '@gantry/core';
import { createHarness, type FanOutProgress, sqliteJournal } from '@gantry/core/harness';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Emulated } from '../../../tests/emulated-provider.ts';
import { startEmulated } from './emulated.ts';

// What goes wrong on the vendor's wire: it is an error or it is waited for, and never a result.

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let emulated: Emulated;

beforeAll(async () => {
  emulated = await startEmulated();
});
afterAll(() => emulated[Symbol.asyncDispose]());

async function settled(work: Promise<unknown>): Promise<unknown> {
  return work.catch((error: unknown) => error);
}

/** Squares numbers, each in a sandbox of its own, in a durable run over the provider. */
async function fanOut(
  { provider }: Emulated,
  count: number,
  onProgress: (progress: FanOutProgress) => void = () => undefined,
): Promise<readonly unknown[]> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-e2b-run-'));
  const journal = sqliteJournal(path.join(directory, 'journal'));
  onTestFinished(async () => {
    await journal.close();
    rmSync(directory, { recursive: true });
  });
  const harness = createHarness({ journal, providers: { e2b: provider } });
  const items = Array.from({ length: count }, (_, index) => index);
  const outcome = await harness.run('squares', {}, async (run) => {
    const options = { concurrency: count, attempts: 1, onProgress };
    const results = await run.fanOut(
      'squares',
      items,
      (branch, item) =>
        branch.step('square', async () =>
          Number((await branch.sandbox.exec(`echo $((${item} * ${item}))`)).stdout.text),
        ),
      options,
    );
    return results.map((result) =>
      result.status === 'fulfilled' ? result.value : result.reason.message,
    );
  });
  return outcome.status === 'finished' ? outcome.value : [];
}

function creates({ emulator }: Emulated, status: number): number {
  return emulator
    .requests()
    .filter((one) => one.path === '/v2/sandboxes' && one.method === 'POST' && one.status === status)
    .length;
}

test('a stream that is cut anywhere in an exec is an error, and never an exit code', async () => {
  const { emulator, provider } = emulated;
  await using sandbox = await provider.create();
  const line = 'echo begun; head -c 3000 /dev/zero | tr "\\0" x; echo; sleep 0.2; exit 7';
  const whole = await sandbox.exec(line);
  const cuts = [0, 1, 4, 5, 20, 60, 100, 200, 1_000, 3_000, 4_000];
  const outcomes: unknown[] = [];
  for (const afterBytes of cuts) {
    const fault = { kind: 'cut', afterBytes } as const;
    using _rule = emulator.faults.add({ path: /Process\/Start$/, fault });
    outcomes.push(await settled(sandbox.exec(line)));
  }
  expect(outcomes).toHaveLength(cuts.length);
  for (const outcome of outcomes) {
    if (!SandboxError.is(outcome)) throw new Error(`a result: ${JSON.stringify(outcome)}`);
    expect([outcome.code, outcome.outcome]).toEqual(['unavailable', 'unknown']);
  }
  expect((await sandbox.exec(line)).stdout.text).toBe(whole.stdout.text);
  expect(whole.exit).toEqual({ code: 7 });
});

test('a download or upload that is cut is an error, and never a shorter file', async () => {
  const { emulator, provider } = emulated;
  await using sandbox = await provider.create();
  const bytes = new Uint8Array(3_000_000).map((_, index) => index % 249);
  await sandbox.files.write('long', bytes);
  for (const afterBytes of [0, 100_000, 2_999_999]) {
    const fault = { kind: 'cut', afterBytes } as const;
    using _rule = emulator.faults.add({ path: '/files', method: 'GET', fault });
    const error = await settled(sandbox.files.readBytes('long'));
    expect(error).toMatchObject({ code: expect.stringMatching(/unavailable|unknown/) as string });
  }
  {
    const fault = { kind: 'cut', afterBytes: 0 } as const;
    using _rule = emulator.faults.add({ path: '/files', method: 'POST', fault });
    expect(await settled(sandbox.files.write('long', bytes.subarray(1)))).toBeInstanceOf(Error);
  }
  expect(Buffer.from(await sandbox.files.readBytes('long')).equals(bytes)).toBe(true);
});

test('a sandbox that goes between two calls is an error of the second, and never a fresh one', async () => {
  const { provider, emulator } = emulated;
  const killed = await provider.create();
  const lost = await provider.create();
  for (const sandbox of [killed, lost]) await sandbox.files.write('file', 'x');
  await provider.destroy(killed.ref);
  await emulator.vanish(lost.ref.id);
  const made = creates(emulated, 201);
  for (const sandbox of [killed, lost]) {
    for (const call of [
      () => sandbox.exec('true'),
      () => sandbox.files.readText('file'),
      () => sandbox.files.exists('file'),
    ]) {
      expect(await settled(call())).toMatchObject({
        code: sandbox === killed ? 'not-found' : 'unavailable',
      });
    }
  }
  expect(creates(emulated, 201)).toBe(made);
  await lost.destroy();
});

test('forty branches meet a storm of 429, and none fails', async () => {
  await using limited = await startEmulated({ quotas: { createsPerSecond: 10 } });
  const squares = await fanOut(limited, 40);
  expect(squares).toEqual(Array.from({ length: 40 }, (_, index) => index * index));
  expect(creates(limited, 429)).toBeGreaterThan(0);
  expect(creates(limited, 201)).toBe(40);
  expect(await Array.fromAsync(limited.provider.list())).toEqual([]);
});

test('an account with room for three sandboxes slows a fan-out down, and no branch fails', async () => {
  await using limited = await startEmulated({ quotas: { runningSandboxes: 3 } });
  let throttled = 0;
  const squares = await fanOut(limited, 12, ({ event }) => {
    if (event === 'throttled') throttled += 1;
  });
  expect(squares).toEqual(Array.from({ length: 12 }, (_, index) => index * index));
  expect(throttled).toBeGreaterThan(0);
  expect(await Array.fromAsync(limited.provider.list())).toEqual([]);
});
