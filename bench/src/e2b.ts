import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { e2b } from '@gantry/provider-e2b';
import { Sandbox } from 'e2b';
import { type EmulatorProcess, startEmulatorProcess } from './emulator/emulator-process.ts';
import { adapterCost, type AdapterPair } from './measure/adapter-cost.ts';
import { report, toRow } from './measure/report.ts';

// What the E2B adapter costs on top of the vendor's bare SDK, both on the same emulator and in the same sandbox.

const rounds = Number(process.argv[2] ?? 40);
const fileBytes = 16 * 1024 * 1024;
const creates = 40;
const perSecond = 5;

const stateDirectory = mkdtempSync(path.join(tmpdir(), 'gantry-bench-'));
const emulator = await startEmulatorProcess('e2b', stateDirectory);
/** The options of the SDK that lead there. */
const connectionOf = ({ key, url }: EmulatorProcess): Parameters<typeof e2b>[0] & object => ({
  ...{ apiKey: key, apiUrl: url, sandboxUrl: url },
});
const connection = connectionOf(emulator);
const provider = e2b(connection);
const contents = new Uint8Array(fileBytes).map((_, index) => index % 251);

/** Forty creates at once against a quota; how long they take, in seconds. */
async function createAgainstQuota(): Promise<number> {
  const quotas = { createsPerSecond: perSecond };
  await using limited = await startEmulatorProcess('e2b', stateDirectory, quotas);
  const many = e2b(connectionOf(limited));
  const begin = performance.now();
  const made = await Promise.allSettled(Array.from({ length: creates }, () => many.create()));
  const seconds = (performance.now() - begin) / 1000;
  const failed = made.filter(({ status }) => status === 'rejected').length;
  if (failed > 0) throw new Error(`${failed} of ${creates} creates failed`);
  return seconds;
}

try {
  await using sandbox = await provider.create();
  const bare = await Sandbox.connect(sandbox.ref.id, connection);
  const pairs: readonly AdapterPair[] = [
    {
      name: 'exec true',
      bare: () => bare.commands.run('true'),
      adapted: () => sandbox.exec('true'),
    },
    {
      name: 'write 16 MiB',
      bare: () => bare.files.write('/workspace/bare', contents.buffer),
      adapted: () => sandbox.files.write('adapter', contents),
    },
    {
      name: 'read 16 MiB',
      bare: () => bare.files.read('/workspace/bare', { format: 'bytes' }),
      adapted: () => sandbox.files.readBytes('adapter'),
    },
  ];
  await bare.files.write('/workspace/bare', contents.buffer);
  await sandbox.files.write('adapter', contents);
  const rows = await adapterCost(pairs, () => bare.commands.run('true'), rounds);
  const allowed = (creates - perSecond) / perSecond;
  const seconds = await createAgainstQuota();
  rows.push(
    toRow(`${creates} creates at ${perSecond} a second`, [seconds * 1000], allowed * 1000, {
      target: 1.1,
    }),
  );
  report('e2b', "the p50 of the SDK's own row; of the creates, what the quota allows", rows);
} finally {
  await emulator[Symbol.asyncDispose]();
  rmSync(stateDirectory, { recursive: true });
}
