import { expect, test, vi } from 'vitest';
import type { Sandbox } from 'e2b';
import { Sandbox as Sandbox26 } from 'e2b-2-26';
import { Sandbox as Sandbox32 } from 'e2b-2-32';
import { startE2b } from './e2b-emulator.ts';

// SDKs from before the second version of the control plane's paths.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// The classes are one in what is used of them here; their private parts differ.
const versions = [
  ['2.26', Sandbox26 as unknown as typeof Sandbox],
  ['2.32', Sandbox32 as unknown as typeof Sandbox],
] as const;

test.each(versions)('the SDK %s works too', async (_version, OldSandbox) => {
  await using e2b = await startE2b();
  const options = { ...e2b.connection, timeoutMs: 3_600_000 };
  const sandbox = await OldSandbox.create({ ...options, metadata: { old: 'yes' } });
  expect((await sandbox.commands.run('echo hello')).stdout).toBe('hello\n');
  await sandbox.files.write('file', 'contents');
  expect(await sandbox.files.read('file')).toBe('contents');
  expect((await sandbox.files.list('.')).map(({ name }) => name)).toContain('file');
  const found = await OldSandbox.list({
    ...e2b.connection,
    query: { metadata: { old: 'yes' } },
  }).nextItems();
  expect(found.map(({ sandboxId }) => sandboxId)).toEqual([sandbox.sandboxId]);
  const again = await OldSandbox.connect(sandbox.sandboxId, options);
  expect(await again.isRunning()).toBe(true);
  await again.kill();
  const paths = e2b.emulator.requests().map(({ method, path }) => `${method} ${path}`);
  expect(paths).toContain('POST /sandboxes');
});
