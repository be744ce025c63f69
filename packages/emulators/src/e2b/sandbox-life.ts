import type { CreateOptions } from '@gantry/core';
import { CpuShare } from '../chassis/cpu-share.ts';
import type { SetHeaders } from '../chassis/set-headers.ts';
import type { EmulatorContext } from '../chassis/emulator.ts';
import { ApiError, noSandbox } from './api-error.ts';
import { type E2bSandbox, type E2bSandboxes, newId, newToken } from './e2b-sandbox.ts';
import { EnvdProcesses } from './envd/envd-processes.ts';
import { Watchers } from './envd/watchers.ts';
import { prepareGuest } from './guest.ts';
import { type StoredSnapshot, unpack } from './snapshots.ts';
import type { Volumes } from './volumes/volumes.ts';
import type { NewSandbox } from './wire-bodies.ts';

/** Seconds that a sandbox lives when nobody says, by the version of the path that made it. */
const defaultTimeout = { 1: 15, 2: 300 } as const;

/** What a sandbox is made with beside its request. */
interface CreateParts {
  readonly context: EmulatorContext;
  readonly sandboxes: E2bSandboxes;
  readonly snapshot: StoredSnapshot | undefined;
  readonly volumes: Volumes;
  readonly headers: SetHeaders;
  /** Of the path that asked for it. */
  readonly version: 1 | 2;
}

/** Makes a sandbox that ends, or pauses, by itself. */
export async function createE2bSandbox(
  { context, sandboxes, snapshot, volumes, headers, version }: CreateParts,
  asked: NewSandbox,
  options: CreateOptions,
): Promise<E2bSandbox> {
  const request = snapshot
    ? { ...asked, envVars: { ...snapshot.envVars, ...asked.envVars } }
    : asked;
  const envdToken = newToken();
  const trafficToken = request.network?.allowPublicTraffic === false ? newToken() : undefined;
  for (const secret of [envdToken, trafficToken]) if (secret) context.conceal(secret);
  const timeoutSeconds = request.timeout ?? defaultTimeout[version];
  const details = {
    ...{ request, headers, envdToken, timeoutSeconds, clientId: newId() },
    ...(trafficToken === undefined ? {} : { trafficToken }),
    processes: new EnvdProcesses(context.clock),
    watchers: new Watchers(),
    fileMetadata: new Map(),
    cpu: new CpuShare(),
  };
  const made = await sandboxes.create(newId(), options, details, async (sandbox) => {
    await prepareGuest(sandbox);
    if (snapshot) await unpack(sandbox, snapshot);
    await volumes.link(sandbox, request.volumeMounts ?? []);
  });
  setTimeoutOf(context, sandboxes, made, timeoutSeconds);
  return made;
}

/** Sets when the sandbox ends or pauses, counted from now. */
export function setTimeoutOf(
  { clock }: EmulatorContext,
  sandboxes: E2bSandboxes,
  emulated: E2bSandbox,
  seconds: number,
): void {
  const { autoPause = false, autoPauseMemory = true } = emulated.details.request;
  sandboxes.endAt(emulated, clock.now() + seconds * 1000, async () => {
    if (emulated.state !== 'running') return;
    if (autoPause) await pause(sandboxes, emulated, autoPauseMemory);
    else await emulated.alone(() => sandboxes.end(emulated));
  });
}

/** Pauses; the vendor's 409 when it is paused already. */
export async function pause(
  sandboxes: E2bSandboxes,
  emulated: E2bSandbox,
  memory: boolean,
): Promise<void> {
  await emulated.alone(async () => {
    if (emulated.state === 'gone') throw noSandbox(emulated.id);
    if (emulated.state === 'suspended') {
      throw new ApiError(409, `Sandbox ${emulated.id} is already paused`);
    }
    await sandboxes.suspend(emulated, memory ? 'memory' : 'disk');
    if (!memory) emulated.details.processes.forget();
  });
}

/** Wakes a paused sandbox and says true; of one that runs, only the time that is left may grow. */
export async function resume(
  context: EmulatorContext,
  sandboxes: E2bSandboxes,
  emulated: E2bSandbox,
  seconds: number,
  reboot: boolean,
): Promise<boolean> {
  return emulated.alone(async () => {
    if (emulated.state === 'gone') throw noSandbox(emulated.id);
    const resumed = emulated.state === 'suspended';
    if (resumed) await sandboxes.resume(emulated, reboot ? 'reboot' : 'restore');
    if (resumed && reboot) emulated.details.processes.forget();
    if (resumed || context.clock.now() + seconds * 1000 > emulated.endsAt) {
      setTimeoutOf(context, sandboxes, emulated, seconds);
    }
    return resumed;
  });
}
