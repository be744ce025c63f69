import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SandboxError } from '@gantry/core';
import { createHarness, sqliteJournal } from '@gantry/core/harness';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Emulated, requestsTo } from '../../../tests/emulated-provider.ts';
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

const line = 'echo begun; head -c 3000 /dev/zero | tr "\\0" x; echo; echo >>ran; exit 7';

test('a log that is cut anywhere in an exec is an error, and never an exit code', async () => {
  const { emulator, provider } = emulated;
  await using sandbox = await provider.create();
  const whole = await sandbox.exec(line);
  const cuts = [0, 1, 10, 60, 100, 1_000, 3_000];
  const outcomes: unknown[] = [];
  for (const afterBytes of cuts) {
    // The SDK asks for a log again when no answer to that comes; here none ever does.
    const fault = { kind: 'cut', afterBytes } as const;
    using _rule = emulator.faults.add({ path: /\/logs$/, fault });
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

test('a command whose start is not answered is not run a second time', async () => {
  const { emulator, provider } = emulated;
  await using sandbox = await provider.create();
  const faults = [
    { kind: 'cut', afterBytes: 10 },
    { kind: 'status', status: 503 },
  ] as const;
  for (const fault of faults) {
    const before = requestsTo(emulated, /POST .*\/cmd\?/).length;
    {
      using _rule = emulator.faults.add({ path: /\/cmd$/, method: 'POST', fault });
      const error = await settled(sandbox.exec(line));
      expect(error).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    }
    expect(requestsTo(emulated, /POST .*\/cmd\?/)).toHaveLength(before + 1);
  }
  // The one whose answer was cut has run, and that once; the other never.
  await vi.waitUntil(() => sandbox.files.exists('ran'), { timeout: 60_000 });
  expect(await sandbox.files.readText('ran')).toBe('\n');
});

test('how a command ended is asked again, until there is an answer', async () => {
  const { emulator, provider } = emulated;
  await using sandbox = await provider.create();
  const fault = { kind: 'cut', afterBytes: 5 } as const;
  using _rule = emulator.faults.add({ path: /\/cmd\/cmd_\w+$/, method: 'GET', fault, times: 2 });
  expect((await sandbox.exec(line)).exit).toEqual({ code: 7 });
});

test('a download or upload that is cut is an error, and never a shorter file', async () => {
  const { emulator, provider } = emulated;
  await using sandbox = await provider.create();
  const bytes = new Uint8Array(3_000_000).map((_, index) => index % 249);
  await sandbox.files.write('long', bytes);
  for (const afterBytes of [0, 100_000, 2_999_999]) {
    const fault = { kind: 'cut', afterBytes } as const;
    using _rule = emulator.faults.add({ path: /fs\/read$/, fault });
    const error = await settled(sandbox.files.readBytes('long'));
    expect(error).toMatchObject({ code: expect.stringMatching(/unavailable|unknown/) as string });
  }
  {
    const fault = { kind: 'cut', afterBytes: 0 } as const;
    using _rule = emulator.faults.add({ path: /fs\/write$/, fault });
    expect(await settled(sandbox.files.write('long', bytes.subarray(1)))).toBeInstanceOf(Error);
  }
  expect(Buffer.from(await sandbox.files.readBytes('long')).equals(bytes)).toBe(true);
});

test('a terminal whose connection is cut has no exit code', async () => {
  const { emulator, provider } = emulated;
  await using sandbox = await provider.create();
  const fault = { kind: 'cut', afterBytes: 200 } as const;
  using _rule = emulator.faults.add({ path: /^\/interactive\//, fault });
  const cut = async (): Promise<unknown> => {
    const command = 'head -c 3000 /dev/zero | tr "\\0" x; exit 3';
    const terminal = await sandbox.terminal({ command });
    terminal.exit.catch(() => undefined);
    await new Response(terminal.output).text();
    return terminal.exit;
  };
  expect(await settled(cut())).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
});

test('a sandbox that goes between two calls is an error of the second, and never a fresh one', async () => {
  const { provider, emulator } = emulated;
  const [killed, lost] = [await provider.create(), await provider.create()];
  for (const sandbox of [killed, lost]) await sandbox.files.write('file', 'x');
  await provider.destroy(killed.ref);
  await emulator.vanish(lost.ref.id);
  for (const sandbox of [killed, lost]) {
    const code = sandbox === killed ? 'not-found' : 'unavailable';
    for (const call of [
      () => sandbox.exec('true'),
      () => sandbox.files.readText('file'),
      () => sandbox.files.exists('file'),
    ]) {
      expect(await settled(call())).toMatchObject({ code });
    }
  }
  await lost.destroy();
  expect(await Array.fromAsync(provider.list())).toEqual([]);
});

test('twenty branches meet a storm of 429, and none fails', async () => {
  await using limited = await startEmulated({ quotas: { createsPerSecond: 5 } });
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-vercel-run-'));
  const journal = sqliteJournal(path.join(directory, 'journal'));
  onTestFinished(async () => {
    await journal.close();
    rmSync(directory, { recursive: true });
  });
  const harness = createHarness({ journal, providers: { vercel: limited.provider } });
  const items = Array.from({ length: 20 }, (_, index) => index);
  const outcome = await harness.run('squares', {}, async (run) => {
    const options = { concurrency: items.length, attempts: 1 };
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
  const squares = outcome.status === 'finished' ? outcome.value : [];
  expect(squares).toEqual(items.map((item) => item * item));
  const statuses = limited.emulator.requests().map(({ path: place, status }) => [place, status]);
  expect(statuses).toContainEqual([expect.stringContaining('/api/v3/sandboxes'), 429]);
  expect(await Array.fromAsync(limited.provider.list())).toEqual([]);
});
