import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError, type SandboxRef, type SandboxStatus } from '@gantry/core/driver';
import type Dockerode from 'dockerode';
import { containerName } from './container-spec.ts';
import { dockerError, statusOf, wordsOf } from './errors.ts';
import { ownLabels } from './labels.ts';

/** What the daemon knows of a sandbox's container; undefined for a confirmed absence. */
export async function inspectContainer(
  daemon: Dockerode,
  ref: SandboxRef,
  signal?: AbortSignal,
): Promise<Dockerode.ContainerInspectInfo | undefined> {
  try {
    const found = await daemon
      .getContainer(containerName(ref.id))
      .inspect(signal ? { abortSignal: signal } : {});
    const { Labels } = found.Config;
    // Someone else's container of that name is not ours to touch.
    return Labels[ownLabels.kind] === 'sandbox' && Labels[ownLabels.id] === ref.id
      ? found
      : undefined;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw dockerError(error, `looking for sandbox ${ref.id}`);
  }
}

/** Where a container is in its life. */
export function statusOfContainer({
  State,
  Config,
}: Dockerode.ContainerInspectInfo): SandboxStatus {
  const expiresAt = Number(Config.Labels[ownLabels.expiresAt]);
  const state = State.Paused ? 'suspended' : State.Running ? 'running' : 'stopped';
  return { state, ...(Number.isFinite(expiresAt) ? { expiresAt } : {}) };
}

/** Ends a sandbox for good: its container, and the image that it was forked from where it was the last one of it. */
export async function endSandbox(
  daemon: Dockerode,
  { Id, Labels }: { readonly Id: string; readonly Labels: Readonly<Record<string, string>> },
): Promise<void> {
  await removeContainer(daemon.getContainer(Id));
  const image = Labels[ownLabels.forkImage];
  if (image) await removeUnusedImage(daemon, image);
}

/** Removes a container with its volumes, and waits until it is gone. */
export async function removeContainer(container: Dockerode.Container): Promise<void> {
  for (let pause = 5; ; pause = Math.min(pause * 2, 200)) {
    try {
      await container.remove({ force: true, v: true });
      return;
    } catch (error) {
      if (statusOf(error) === 404) return;
      // It ends by itself at this very moment: the daemon is at it.
      if (!/already in progress/i.test(wordsOf(error)))
        throw dockerError(error, 'removing a sandbox');
    }
    await delay(pause);
  }
}

/** Removes an image, unless containers still need it. */
export async function removeUnusedImage(daemon: Dockerode, id: string): Promise<void> {
  try {
    await daemon.getImage(id).remove({});
  } catch (error) {
    const status = statusOf(error);
    // 409: another fork lives. The last one takes it along.
    if (status === 404 || status === 409) return;
    // Removed twice at once, it is a fault of the server to one of the two.
    if (await hasImage(daemon, id)) throw dockerError(error, `removing image ${id}`);
  }
}

async function hasImage(daemon: Dockerode, id: string): Promise<boolean> {
  try {
    await daemon.getImage(id).inspect();
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw dockerError(error, `looking for image ${id}`);
  }
}

/** Refuses a sandbox that cannot take commands now. */
export function requireRunning(
  ref: SandboxRef,
  found: Dockerode.ContainerInspectInfo | undefined,
): asserts found is Dockerode.ContainerInspectInfo {
  if (!found) throw new SandboxError('not-found', `there is no sandbox ${ref.id}`);
  const { state } = statusOfContainer(found);
  if (state === 'running') return;
  const advice = state === 'suspended' ? 'resume it first' : 'it cannot be started again';
  throw new SandboxError('failed-precondition', `sandbox ${ref.id} is ${state}; ${advice}`, {
    details: { reason: state },
  });
}
