import { docker } from '@gantry/provider-docker';
import { expect, test } from 'vitest';
import { daemonOfRun } from '../../provider-docker/test/daemon-of-run.ts';
import { testImages } from '../../provider-docker/test/test-images.ts';
import { startEmulated } from './emulated.ts';

test('a guest has a user of its own, and root by sudo, whose files are kept as they are', async () => {
  const provider = docker({ host: daemonOfRun().host, image: testImages.debian });
  await using emulated = await startEmulated({ provider });
  await using sandbox = await emulated.provider.create();
  const root = { user: 'root' };
  expect((await sandbox.exec('id -un; id -u')).stdout.text).toBe('ubuntu\n1000\n');
  expect((await sandbox.exec('id -un; id -u', root)).stdout.text).toBe('root\n0\n');
  expect((await sandbox.exec('umask 077; echo kept >/etc/of-root', root)).ok).toBe(true);
  expect((await sandbox.exec('cat /etc/of-root')).ok).toBe(false);
  expect((await sandbox.exec('echo mine >/vercel/of-user')).ok).toBe(true);
  // What root runs ends with the session too: a disk that is written to could not be read whole.
  const writer = await sandbox.spawn('while :; do echo x >/var/busy; done', root);
  writer.exit.catch(() => undefined); // Its end is not told.
  const snapshot = await sandbox.nativeSnapshot('filesystem');
  await using again = await emulated.provider.createFrom(snapshot);
  const look = 'stat -c "%U %a %n" /etc/of-root /vercel/of-user; cat /etc/of-root';
  expect((await again.exec(look, root)).stdout.text).toBe(
    'root 600 /etc/of-root\nubuntu 644 /vercel/of-user\nkept\n',
  );
  await emulated.provider.removeNativeSnapshot(snapshot);
});
