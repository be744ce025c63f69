import type { EmulatorContext } from '../chassis/emulator.ts';
import { type E2bSandbox, envdVersion } from './e2b-sandbox.ts';

/** What the vendor's base template has. Nominal: the provider decides what there is. */
export const nominal = { cpuCount: 2, memoryMB: 1024, diskSizeMB: 10_240 } as const;

/** What create and connect answer. */
export function sandboxAnswer({ port }: EmulatorContext, { id, details }: E2bSandbox): object {
  return {
    sandboxID: id,
    templateID: details.request.templateID,
    alias: details.request.templateID,
    clientID: details.clientId,
    envdVersion,
    envdAccessToken: details.envdToken,
    // A port of the sandbox is then PORT-ID.localhost, which browsers and curl find on this machine.
    domain: `localhost:${port}`,
    ...(details.trafficToken === undefined ? {} : { trafficAccessToken: details.trafficToken }),
  };
}

/** One item of a list. */
export function listedSandbox({ id, details, startedAt, endsAt, state }: E2bSandbox): object {
  return {
    sandboxID: id,
    templateID: details.request.templateID,
    alias: details.request.templateID,
    clientID: details.clientId,
    startedAt: new Date(startedAt).toISOString(),
    endAt: new Date(endsAt).toISOString(),
    state: state === 'suspended' ? 'paused' : 'running',
    metadata: details.request.metadata ?? {},
    volumeMounts: details.request.volumeMounts ?? [],
    envdVersion,
    ...nominal,
  };
}

/** All that is known of one. */
export function sandboxDetail(context: EmulatorContext, emulated: E2bSandbox): object {
  const { request, envdToken } = emulated.details;
  return {
    ...listedSandbox(emulated),
    domain: `localhost:${context.port}`,
    envdAccessToken: envdToken,
    lifecycle: {
      autoResume: request.autoResume?.enabled ?? false,
      onTimeout: request.autoPause ? 'pause' : 'kill',
    },
    ...(request.allow_internet_access === undefined
      ? {}
      : { allowInternetAccess: request.allow_internet_access }),
    ...(request.network === undefined ? {} : { network: request.network }),
  };
}
