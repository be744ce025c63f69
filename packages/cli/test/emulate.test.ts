import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { directoryWith, gantry } from './gantry.ts';

vi.setConfig({ testTimeout: 120_000 });

/** A program of somebody who knows nothing of Gantry. */
const program = `
import { Sandbox } from 'e2b';
const sandbox = await Sandbox.create();
const { stdout } = await sandbox.commands.run('echo hello from $(id -un)');
process.stdout.write(stdout);
`;

test("emulate prints what leads a program of the vendor's SDK to sandboxes of one's own", async () => {
  const state = await directoryWith({});
  const record = path.join(state, 'record.jsonl');
  const env = { GANTRY_STATE_DIRECTORY: state };
  let said = '';
  let proven = '';
  const { code, text } = await gantry(['emulate', 'e2b', '--on', 'local', '--record', record], {
    env,
    async during(running) {
      let exports = '';
      running.stdout?.on('data', (chunk: Buffer) => (exports += chunk.toString()));
      await vi.waitUntil(() => exports.includes('GANTRY_EMULATED='), { timeout: 100_000 });
      const variables: Record<string, string> = Object.fromEntries(
        [...exports.matchAll(/^export (\w+)=(.*)$/gm)].map(
          ([, name = '', value = '']) => [name, value] as const,
        ),
      );
      expect(variables['E2B_API_URL']).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      const args = ['--input-type=module', '-e', program];
      const options = { cwd: import.meta.dirname, env: { ...process.env, ...variables } };
      said = (await promisify(execFile)(process.execPath, args, options)).stdout;
      // What leads to an emulator proves nothing live.
      const proof = ['conformance', 'e2b', '--profile', 'metrics', '--timeout-scale', '12'];
      proven = (await gantry(proof, { env: { ...env, ...variables } })).text;
      running.kill('SIGTERM');
    },
  });
  expect({ code, said }).toEqual({ code: 0, said: 'hello from user\n' });
  expect(proven).toMatch(/e2b \(isolation microvm, emulated\) is conformant/);
  expect(await readFile(record, 'utf8')).toContain('/v2/sandboxes');
  const key = /E2B_API_KEY=(.*)/.exec(text)?.[1] ?? 'none';
  expect(await readFile(record, 'utf8')).not.toContain(key);
  // What the program left running is gone with the emulator.
  expect((await gantry(['ls', '--json'], { env })).text).toContain('"sandboxes": []');
});

test("limits of time are as long as a vendor's own need, and nobody has to know", async () => {
  const state = await directoryWith({});
  const file = path.join(state, 'report.json');
  const args = ['conformance', 'daytona', '--emulated', '--profile', 'metrics', '--report', file];
  const { code, text } = await gantry(args, { env: { GANTRY_STATE_DIRECTORY: state } });
  expect({ code, text }).toMatchObject({
    ...{ code: 0, text: expect.stringMatching(/daytona .*emulated\) is conformant/) as string },
  });
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ timeoutScale: 24 });
});

test('emulate says what it cannot serve, and where', async () => {
  const unknown = await gantry(['emulate', 'nowhere']);
  expect(unknown.code).toBe(125);
  expect(unknown.stderr).toContain('there is no emulator of "nowhere"');
  const port = await gantry(['emulate', 'e2b', '--port', '99999']);
  expect(port.code).toBe(125);
  expect(port.stderr).toContain('Expected a port number');
});
