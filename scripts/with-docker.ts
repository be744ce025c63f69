import { startDaemon } from '../packages/provider-docker/test/private-daemon.ts';
import { buildImages, tagDefaultImage } from '../packages/provider-docker/test/test-images.ts';

/** Does some work with a private Docker daemon that has the default image of sandboxes, and ends it after. */
export async function withDocker<Result>(work: (host: string) => Promise<Result>): Promise<Result> {
  await using daemon = await startDaemon();
  await buildImages(daemon.client);
  await tagDefaultImage(daemon.client);
  return await work(daemon.host);
}
