import path from 'node:path';
import { SandboxError, type MountRequest } from '@gantry/core/driver';
import type Dockerode from 'dockerode';

/** Directories that the daemon made, as root's, between the workspace and the mounts in it. */
export function mountParents(mounts: readonly MountRequest[]): readonly string[] {
  const targets = mounts.map(({ target }) => target);
  const parents = targets.flatMap((target) => {
    const found: string[] = [];
    let parent = path.posix.dirname(target);
    for (; parent.startsWith('/workspace/'); parent = path.posix.dirname(parent))
      found.push(parent);
    return found;
  });
  // What is in another mount is the host's, and stays as it is.
  const isMounted = (place: string): boolean =>
    targets.some((target) => place === target || place.startsWith(`${target}/`));
  return [...new Set(parents)].filter((parent) => !isMounted(parent));
}

/** Gives directories to the sandbox's user. Only before the guest has run anything: links could lead elsewhere. */
export async function giveAway(
  container: Dockerode.Container,
  owner: string,
  directories: readonly string[],
): Promise<void> {
  if (directories.length === 0) return;
  const exec = await container.exec({
    Cmd: ['/bin/sh', '-c', 'exec chown -h -- "$@"', 'sh', owner, ...directories],
    User: '0:0',
    Privileged: true,
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({ hijack: true, stdin: false });
  stream.resume();
  await new Promise((resolve, reject) => stream.once('end', resolve).once('error', reject));
  const { ExitCode } = await exec.inspect();
  if (ExitCode === 0) return;
  const message = `the directories that lead to mounts could not be given to ${owner} (chown ended with ${ExitCode})`;
  throw new SandboxError('internal', message);
}
