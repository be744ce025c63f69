import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { gantry, labelledManifest, sandboxesLabelled, shows } from './gantry.ts';

const slowCreate = './fixtures/slow-create.ts';

test.each(['SIGINT', 'SIGTERM'] as const)('%s goes to the command first', async (signal) => {
  const label = randomUUID();
  const manifest = await labelledManifest(label);
  const name = signal.slice(3);
  const line = `trap 'echo caught; exit 5' ${name}; echo ready; while :; do sleep 0.1; done`;
  const result = await gantry(['exec', '--manifest', manifest, '-c', line], {
    during: async (running) => {
      await shows(running, 'ready');
      running.kill(signal);
    },
  });
  expect(result).toMatchObject({ code: 5, text: 'ready\ncaught\n' });
  expect(await sandboxesLabelled(label)).toEqual([]);
});

test('a second signal kills a command that ignores the first', async () => {
  const label = randomUUID();
  const manifest = await labelledManifest(label);
  const line = `trap 'echo ignored' TERM; echo ready; while :; do sleep 0.1; done`;
  const result = await gantry(['exec', '--manifest', manifest, '-c', line], {
    during: async (running) => {
      await shows(running, 'ready');
      const ignored = shows(running, 'ignored');
      running.kill('SIGTERM');
      await ignored;
      running.kill('SIGTERM');
    },
  });
  expect(result.code).toBe(137);
  expect(await sandboxesLabelled(label)).toEqual([]);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s while a sandbox is being made leaves none behind', async (signal, code) => {
  const label = randomUUID();
  const manifest = await labelledManifest(label);
  const result = await gantry(
    ['exec', '--provider', slowCreate, '--manifest', manifest, '--', 'echo', 'never'],
    {
      during: async (running) => {
        await shows(running, 'fixture: the sandbox is there');
        expect(await sandboxesLabelled(label)).toHaveLength(1);
        running.kill(signal);
      },
    },
  );
  expect(result).toMatchObject({ code, text: '' });
  expect(result.stderr).toContain('gantry: interrupted\n');
  expect(await sandboxesLabelled(label)).toEqual([]);
});
