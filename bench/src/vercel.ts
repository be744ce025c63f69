import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { vercel } from '@gantry/provider-vercel';
import { Sandbox } from '@vercel/sandbox';
import { startEmulatorProcess } from './emulator/emulator-process.ts';
import { adapterCost, type AdapterPair } from './measure/adapter-cost.ts';
import { report } from './measure/report.ts';

// What the Vercel adapter costs on top of the vendor's bare SDK, both on the same emulator and in the same sandbox.

const rounds = Number(process.argv[2] ?? 40);
const fileBytes = 16 * 1024 * 1024;

const stateDirectory = mkdtempSync(path.join(tmpdir(), 'gantry-bench-'));
const emulator = await startEmulatorProcess('vercel', stateDirectory);
const apiUrl = `${emulator.url}/api`;
const account = { token: emulator.key, teamId: 'team_gantry', projectId: 'prj_gantry' };
const contents = Buffer.from(new Uint8Array(fileBytes).map((_, index) => index % 251));

try {
  await using sandbox = await vercel({ ...account, apiUrl }).create();
  const bare = await Sandbox.get({
    ...{ ...account, name: sandbox.ref.id },
    fetch: (input, init) => {
      const asked = input instanceof Request ? input.url : String(input);
      return fetch(asked.replace('https://vercel.com/api', apiUrl), init);
    },
  });
  /** What the SDK offers for a command whose output arrives as it is written, and which can be killed meanwhile. */
  const detached = async (cmd: string): Promise<void> => {
    const command = await bare.runCommand({ cmd, detached: true });
    const ended = command.wait();
    for await (const _line of command.logs());
    await ended;
  };
  const pairs: readonly AdapterPair[] = [
    { name: 'exec true', bare: () => detached('true'), adapted: () => sandbox.exec('true') },
    {
      name: 'write 16 MiB',
      bare: () => bare.writeFiles([{ path: '/workspace/bare', content: contents }]),
      adapted: () => sandbox.files.write('adapter', contents),
    },
    {
      name: 'read 16 MiB',
      bare: () => bare.readFileToBuffer({ path: '/workspace/bare' }),
      adapted: () => sandbox.files.readBytes('adapter'),
    },
  ];
  await bare.writeFiles([{ path: '/workspace/bare', content: contents }]);
  await sandbox.files.write('adapter', contents);
  const rows = await adapterCost(pairs, () => detached('true'), rounds);
  report('vercel', "the p50 of the SDK's own row", rows);
} finally {
  await emulator[Symbol.asyncDispose]();
  rmSync(stateDirectory, { recursive: true });
}
