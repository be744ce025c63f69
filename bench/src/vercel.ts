import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmulator } from '@gantry/emulators';
import { vercel as vendor } from '@gantry/emulators/vercel';
import { local } from '@gantry/provider-local';
import { vercel } from '@gantry/provider-vercel';
import { Sandbox } from '@vercel/sandbox';
import { report, toRow } from './measure/report.ts';
import { measureInTurns, quantile } from './measure/samples.ts';

// What the Vercel adapter costs on top of the vendor's bare SDK, both on the same emulator and in the same sandbox.

const rounds = Number(process.argv[2] ?? 40);
const fileBytes = 16 * 1024 * 1024;

const stateDirectory = mkdtempSync(path.join(tmpdir(), 'gantry-bench-'));
const emulator = await startEmulator(vendor, { provider: local({ stateDirectory }) });
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
  const pairs: readonly (readonly [string, () => Promise<unknown>, () => Promise<unknown>])[] = [
    ['exec true', () => detached('true'), () => sandbox.exec('true')],
    [
      'write 16 MiB',
      () => bare.writeFiles([{ path: '/workspace/bare', content: contents }]),
      () => sandbox.files.write('adapter', contents),
    ],
    [
      'read 16 MiB',
      () => bare.readFileToBuffer({ path: '/workspace/bare' }),
      () => sandbox.files.readBytes('adapter'),
    ],
  ];
  await bare.writeFiles([{ path: '/workspace/bare', content: contents }]);
  await sandbox.files.write('adapter', contents);
  // After the last transfer of a round memory is tidied up; that is nobody's cost.
  const settle = { name: 'settle', run: () => detached('true') };
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
  report('vercel', "the p50 of the SDK's own row", rows);
} finally {
  await emulator.close();
  rmSync(stateDirectory, { recursive: true });
}
