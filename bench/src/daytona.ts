import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Daytona } from '@daytonaio/sdk';
import { daytona } from '@gantry/provider-daytona';
import { startEmulatorProcess } from './emulator/emulator-process.ts';
import { adapterCost, type AdapterPair } from './measure/adapter-cost.ts';
import { report } from './measure/report.ts';

// What the Daytona adapter costs on top of the vendor's bare SDK, both on the same emulator and in the same sandbox.

const rounds = Number(process.argv[2] ?? 40);
const fileBytes = 16 * 1024 * 1024;

const stateDirectory = mkdtempSync(path.join(tmpdir(), 'gantry-bench-'));
const emulator = await startEmulatorProcess('daytona', stateDirectory);
const connection = { apiKey: emulator.key, apiUrl: `${emulator.url}/api`, target: 'us' };
const contents = Buffer.from(new Uint8Array(fileBytes).map((_, index) => index % 251));
const client = new Daytona(connection);

try {
  await using sandbox = await daytona(connection).create();
  const bare = await client.get(sandbox.ref.id);
  await bare.process.createSession('bench');
  /** What the SDK offers for a command whose outputs are apart and arrive as they are written. */
  const inSession = async (command: string): Promise<void> => {
    const { process: processes } = bare;
    const { cmdId } = await processes.executeSessionCommand('bench', { command, runAsync: true });
    const ignore = (): void => undefined;
    await processes.getSessionCommandLogs('bench', cmdId, ignore, ignore);
    await processes.getSessionCommand('bench', cmdId);
  };
  const pairs: readonly AdapterPair[] = [
    { name: 'exec true', bare: () => inSession('true'), adapted: () => sandbox.exec('true') },
    {
      name: 'write 16 MiB',
      bare: () => bare.fs.uploadFile(contents, '/workspace/bare'),
      adapted: () => sandbox.files.write('adapter', contents),
    },
    {
      name: 'read 16 MiB',
      bare: () => bare.fs.downloadFile('/workspace/bare'),
      adapted: () => sandbox.files.readBytes('adapter'),
    },
  ];
  await bare.fs.uploadFile(contents, '/workspace/bare');
  await sandbox.files.write('adapter', contents);
  const rows = await adapterCost(pairs, () => inSession('true'), rounds);
  report('daytona', "the p50 of the SDK's own row", rows);
} finally {
  await client[Symbol.asyncDispose]();
  await emulator[Symbol.asyncDispose]();
  rmSync(stateDirectory, { recursive: true });
}
