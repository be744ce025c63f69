import { type CreateRequest, SandboxError } from '@gantry/core/driver';
import { fromVendor, unlessMissing, withVendor } from './errors.ts';
import { toNetwork } from './network.ts';
import type { DaytonaOptions } from './options.ts';
import { runSandboxScript } from './sandbox-script.ts';
import type { Daytona, Sandbox } from './sdk.ts';

/** Whole minutes that are not more than that; the vendor knows no shorter time. */
export function wholeMinutes(milliseconds: number): number {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes >= 1) return minutes;
  const message = `Daytona ends a sandbox after whole minutes: ${milliseconds} ms are too few`;
  throw new SandboxError('unsupported', message, { details: { capability: 'lifetime' } });
}

/** Makes a sandbox of a snapshot, of the request's image, or of the account's default. Nothing of it is left when that fails. */
export async function createSandbox(
  client: Daytona,
  options: DaytonaOptions,
  request: CreateRequest,
  snapshot: string | undefined,
): Promise<Sandbox> {
  const { image } = request;
  const { resources, volumes, intervals = {} } = options;
  const asked = {
    name: request.id,
    labels: { ...request.labels },
    envVars: { ...request.env },
    ttlMinutes: wholeMinutes(request.maxLifetimeMs),
    // It ends when its time is over, and not for being idle, unless that is asked for.
    autoStopInterval: intervals.stop ?? 0,
    autoDeleteInterval: intervals.delete ?? -1,
    ...(intervals.pause === undefined ? {} : { autoPauseInterval: intervals.pause }),
    ...(intervals.archive === undefined ? {} : { autoArchiveInterval: intervals.archive }),
    ...toNetwork(request.network),
    ...(volumes ? { volumes: [...volumes] } : {}),
  };
  let sandbox: Sandbox;
  try {
    sandbox = await (image === undefined || snapshot !== undefined
      ? client.create({ ...asked, ...(snapshot === undefined ? {} : { snapshot }) }, { timeout: 0 })
      : client.create({ ...asked, image, ...(resources ? { resources } : {}) }, { timeout: 0 }));
  } catch (cause) {
    const error = await failed(client, cause, request);
    // What was refused has made nothing; an answer that was lost may have been a yes.
    const refused = SandboxError.is(error) && error.outcome === 'not-started';
    throw refused ? error : await afterRemoval(client, request.id, error);
  }
  try {
    await makeWorkspace(sandbox);
    return sandbox;
  } catch (error) {
    throw await afterRemoval(client, sandbox.id, error);
  }
}

/** By id or name. Resolves when it is gone. */
export async function destroySandbox(client: Daytona, idOrName: string): Promise<void> {
  await unlessMissing(async () => (await client.get(idOrName)).delete(0, true));
}

/** The error of a create, once nothing of the sandbox is left; where that fails, it says so. */
export async function afterRemoval(
  client: Daytona,
  idOrName: string,
  error: unknown,
): Promise<unknown> {
  try {
    await destroySandbox(client, idOrName);
    return error;
  } catch (left) {
    const texts = [error, left].map((each) =>
      each instanceof Error ? each.message : String(each),
    );
    const message = `${texts[0]}; and sandbox ${idOrName} may be left, since deleting it failed: ${texts[1]}`;
    return SandboxError.is(error)
      ? new SandboxError(error.code, message, { outcome: 'unknown', cause: error })
      : new SandboxError('unavailable', message, { outcome: 'unknown', cause: error });
  }
}

/** `/workspace`, made by whoever may: the user itself, or by sudo. */
async function makeWorkspace(sandbox: Sandbox): Promise<void> {
  const script = `
mkdir -p /workspace 2>/dev/null && [ -w /workspace ] && exit 0
sudo -n mkdir -p /workspace && sudo -n chown "$(id -u):$(id -g)" /workspace`;
  const { exitCode, result } = await runSandboxScript(sandbox, script);
  if (exitCode === 0) return;
  const message = `the sandbox cannot be given /workspace: ${result}`;
  throw new SandboxError('failed-precondition', message);
}

/** A sandbox that was accepted and did not start says why; an image that cannot be had is told that way. */
async function failed(
  client: Daytona,
  cause: unknown,
  { id, image }: CreateRequest,
): Promise<unknown> {
  const error = fromVendor(cause);
  if (!(cause instanceof Error) || !/failed to start with status/.test(cause.message)) return error;
  // The reason is worth a question, and no other error.
  const made = await unlessMissing(() => client.get(id)).catch(() => undefined);
  const reason = made?.errorReason ?? cause.message;
  const absent = image !== undefined && /not found|does not exist|denied|unknown/i.test(reason);
  const what = image === undefined ? 'the sandbox did not start' : `image ${image} cannot be had`;
  const code = absent ? 'not-found' : 'unavailable';
  return new SandboxError(code, `${what}: ${reason}`, { cause, outcome: 'unknown' });
}

/** Has a sandbox end at that time or up to a minute later; returns when. */
export async function extendLifetime(sandbox: Sandbox, expiresAt: number): Promise<number> {
  return withVendor(async () => {
    await sandbox.setTtl(Math.max(1, Math.ceil((expiresAt - Date.now()) / 60_000)));
    await sandbox.refreshData();
    return sandbox.autoDestroyAt ? Date.parse(sandbox.autoDestroyAt) : expiresAt;
  });
}
