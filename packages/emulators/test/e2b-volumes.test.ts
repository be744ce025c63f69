import { expect, test, vi } from 'vitest';
import { Volume, VolumePathNotFoundError } from 'e2b';
import { startE2b } from './e2b-emulator.ts';

// Volumes: directories that sandboxes share and that outlive them.

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

test('a volume is shared by sandboxes, outlives them, and is read and written from outside', async () => {
  await using e2b = await startE2b();
  const options = e2b.connection;
  vi.stubEnv('E2B_VOLUME_API_URL', e2b.connection.apiUrl);
  const volume = await Volume.create('shared', options);
  await expect(Volume.create('shared', options)).rejects.toThrow('already exists');
  expect(await Volume.list(options)).toEqual([{ volumeId: volume.volumeId, name: 'shared' }]);

  const volumeMounts = { '/mnt/deep/data': volume };
  const first = await e2b.create({ volumeMounts });
  const second = await e2b.create({ volumeMounts: { '/srv/data': 'shared' } });
  // As root each local sandbox is a user of its own: what others may change its mode must say.
  const script = 'umask 0; mkdir /mnt/deep/data/in && echo one >/mnt/deep/data/in/file';
  await first.commands.run(script);
  expect((await second.commands.run('cat /srv/data/in/file')).stdout).toBe('one\n');
  expect((await first.getInfo()).volumeMounts).toEqual([
    { name: 'shared', path: '/mnt/deep/data' },
  ]);
  await Promise.all([first.kill(), second.kill()]);

  expect(await volume.readFile('/in/file')).toBe('one\n');
  expect(await volume.writeFile('in/other', 'two', { mode: 0o640 })).toMatchObject({
    ...{ name: 'other', path: '/in/other', type: 'file', size: 3, mode: 0o640 },
    mtime: expect.any(Date) as Date,
  });
  await expect(volume.writeFile('in/other', 'three')).rejects.toThrow('already exists');
  await volume.writeFile('in/other', 'three', { force: true });
  expect(Buffer.from(await volume.readFile('in/other', { format: 'bytes' })).toString()).toBe(
    'three',
  );
  await expect(volume.makeDir('a/b')).rejects.toBeInstanceOf(VolumePathNotFoundError);
  await volume.makeDir('a/b', { force: true });
  expect((await volume.updateMetadata('a', { mode: 0o700 })).mode).toBe(0o700);
  const listed = await volume.list('/', { depth: 2 });
  expect(listed.map(({ path, type }) => `${type} ${path}`)).toEqual([
    'directory /a',
    'directory /a/b',
    'directory /in',
    'file /in/file',
    'file /in/other',
  ]);
  await volume.remove('in');
  expect(await volume.exists('in/file')).toBe(false);

  // Neither a climbing path nor a planted link leads out.
  await using third = await disposable(e2b.create({ volumeMounts }));
  await third.sandbox.commands.run('ln -s /etc/passwd /mnt/deep/data/planted');
  await expect(volume.readFile('../../../../etc/shadow')).rejects.toBeInstanceOf(
    VolumePathNotFoundError,
  );
  const { type, target } = await volume.getInfo('planted');
  expect([type, target]).toEqual(['symlink', '/etc/passwd']);

  const url = `${e2b.connection.apiUrl}/volumecontent/${volume.volumeId}/path?path=/`;
  const headers = { 'x-api-key': e2b.connection.apiKey, authorization: 'Bearer wrong' };
  expect((await fetch(url, { headers })).status).toBe(401);
  await expect(e2b.create({ volumeMounts: { '/mnt/x': 'missing' } })).rejects.toThrow('not found');
  expect(await Volume.destroy(volume.volumeId, options)).toBe(true);
  expect(await Volume.destroy(volume.volumeId, options)).toBe(false);
  expect(JSON.stringify(e2b.emulator.requests())).not.toContain(volume.token);
  vi.unstubAllEnvs();
});

async function disposable(
  making: ReturnType<Awaited<ReturnType<typeof startE2b>>['create']>,
): Promise<{ sandbox: Awaited<typeof making> } & AsyncDisposable> {
  const sandbox = await making;
  return { sandbox, [Symbol.asyncDispose]: () => sandbox.kill().then(() => undefined) };
}
