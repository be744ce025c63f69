import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Daytona } from '@daytonaio/sdk';
import { daytona } from '@gantry/provider-daytona';
import { startEmulatorProcess } from './emulator/emulator-process.ts';
import { report, toRow } from './measure/report.ts';
import { measureInTurns, quantile } from './measure/samples.ts';

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
  const pairs: readonly (readonly [string, () => Promise<unknown>, () => Promise<unknown>])[] = [
    ['exec true', () => inSession('true'), () => sandbox.exec('true')],
    [
      'write 16 MiB',
      () => bare.fs.uploadFile(contents, '/workspace/bare'),
      () => sandbox.files.write('adapter', contents),
    ],
    [
      'read 16 MiB',
      () => bare.fs.downloadFile('/workspace/bare'),
      () => sandbox.files.readBytes('adapter'),
    ],
  ];
  await bare.fs.uploadFile(contents, '/workspace/bare');
  await sandbox.files.write('adapter', contents);
  // After the last transfer of a round memory is tidied up; that is nobody's cost.
  const settle = { name: 'settle', run: () => inSession('true') };
  const timed = pairs.flatMap(([name, run, adapted]) => [
    { name: `${name}, SDK`, run },
    { name: `${name}, adapter`, run: adapted },
  ]);
  const samples = await measureInTurns([settle, ...timed], rounds, (done) => {
    if (process.stderr.isTTY) process.stderr.write(`\rround ${done}/${rounds + 3}`);
  });
  const of = (name: string): readonly number[] =>
    samples.find((one) => one.name === name)?.milliseconds ?? [];
  const rows = pairs.flatMap(([name]) => {
    const unit = quantile(of(`${name}, SDK`), 0.5);
    return [
      toRow(`${name}, SDK`, of(`${name}, SDK`), unit),
      toRow(`${name}, adapter`, of(`${name}, adapter`), unit, { target: 1.05 }),
    ];
  });
  report('daytona', "the p50 of the SDK's own row", rows);
} finally {
  await client[Symbol.asyncDispose]();
  await emulator[Symbol.asyncDispose]();
  rmSync(stateDirectory, { recursive: true });
}
