import type { EmulatorContext } from '../chassis/emulator.ts';
import { account, type DaytonaSandbox } from './daytona-sandbox.ts';

/** The one organization of an emulator. */
export const organizationId = '00000000-0000-4000-8000-000000000001';

/** A sandbox as the API tells it, one by one and in lists. */
export function sandboxView(
  { url }: Pick<EmulatorContext, 'url'>,
  sandbox: DaytonaSandbox,
): object {
  const { id, name, request, shape, network, intervals, labels, env } = sandbox;
  const { networkAllowList, domainAllowList, networkBlockAll = false } = network;
  const [desired] = /^(?:stop|archiv|destroy|paus)/.exec(sandbox.state) ?? ['start'];
  return {
    ...{ id, name, labels, env, organizationId },
    ...(request.snapshot === undefined && request.buildInfo ? {} : { snapshot: shape.name }),
    user: account.name,
    public: request.public ?? false,
    networkBlockAll,
    ...(networkAllowList ? { networkAllowList } : {}),
    ...(domainAllowList ? { domainAllowList } : {}),
    target: request.target ?? 'us',
    cpu: request.cpu ?? shape.cpu,
    gpu: 0,
    memory: request.memory ?? shape.memory,
    disk: request.disk ?? shape.disk,
    state: sandbox.state,
    desiredState: desiredStates[desired] ?? 'started',
    ...(sandbox.errorReason === undefined ? {} : { errorReason: sandbox.errorReason }),
    recoverable: false,
    backupState: 'None',
    autoStopInterval: intervals.stop,
    autoPauseInterval: intervals.pause,
    autoArchiveInterval: intervals.archive,
    autoDeleteInterval: intervals.delete,
    ...(sandbox.destroyAt === undefined ? {} : { autoDestroyAt: time(sandbox.destroyAt) }),
    ...(request.volumes === undefined ? {} : { volumes: request.volumes }),
    ...(request.buildInfo === undefined
      ? {}
      : { buildInfo: { ...request.buildInfo, createdAt: time(sandbox.createdAt) } }),
    createdAt: time(sandbox.createdAt),
    updatedAt: time(sandbox.updatedAt),
    lastActivityAt: time(sandbox.lastActivityAt),
    sandboxClass: shape.sandboxClass,
    daemonVersion: '0.218.0',
    toolboxProxyUrl: `${url}/toolbox`,
  };
}

const desiredStates: Readonly<Record<string, string>> = {
  stop: 'stopped',
  archiv: 'archived',
  destroy: 'destroyed',
  paus: 'paused',
};

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
