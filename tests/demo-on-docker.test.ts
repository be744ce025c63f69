import { expect, inject, test } from 'vitest';
import { DemoProcess } from '../apps/demo/test/demo-process.ts';
import { operationDone } from '../apps/demo/test/events.ts';

// The demo with a Docker daemon: here, since the daemon of a test run is shared by the tests of this folder.

const docker = inject('docker');

test('a workspace goes from a container to this machine, and to a vendor whose sandboxes are containers', async () => {
  if ('problem' in docker) throw new Error(`there is no Docker daemon: ${docker.problem}`);
  await using demo = await DemoProcess.start({ DOCKER_HOST: docker.host });
  const run = (id: string, command: string): Promise<{ stdout: string }> =>
    demo.call('POST', `sandboxes/${id}/exec`, { command });
  expect(await demo.call('GET', 'providers/docker')).toMatchObject({ ready: true, missing: [] });
  const container = await demo.sandbox({ provider: 'docker', name: 'contained' });
  await run(container, 'echo kept > file.txt; chmod 600 file.txt');
  const { snapshot } = await operationDone(demo, `sandboxes/${container}/snapshot`, {});
  const rehydrate = async (provider: string): Promise<string> =>
    (await operationDone(demo, `snapshots/${snapshot}/rehydrate`, { provider })).sandbox;
  const here = await rehydrate('local');
  expect((await run(here, 'stat -c %a file.txt; cat file.txt')).stdout).toBe('600\nkept\n');
  const backend = { backend: 'docker' };
  expect(await demo.call('POST', 'providers/e2b/emulator', backend)).toMatchObject({
    ...{ ready: true, emulated: true, emulator: { state: 'running', backend: 'docker' } },
  });
  const there = await rehydrate('e2b');
  expect((await run(there, 'stat -c %a file.txt; cat file.txt')).stdout).toBe('600\nkept\n');
  const branches = ['local', 'docker', 'docker', 'e2b'].map((provider) => ({
    ...{ provider, command: 'cat file.txt; touch touched' },
  }));
  const request = { snapshot, branches };
  const { id } = await demo.call<{ id: string }>('POST', 'compare', request);
  const done = await demo.until<{ state: string; branches: readonly { tree?: string }[] }>(
    ...[`compare/${id}`, ({ state }: { state: string }) => state !== 'running'],
  );
  expect(done.branches).toMatchObject(
    branches.map(() => ({ output: 'kept\n', exit: { code: 0 } })),
  );
  expect(new Set(done.branches.map(({ tree }) => tree)).size).toBe(1);
});
