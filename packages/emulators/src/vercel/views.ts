import type { RunningCommand } from './commands.ts';
import { policyView } from './network-policy.ts';
import type { StoredSnapshot } from './snapshots.ts';
import type { VercelSandbox, VercelSession } from './vercel-sandbox.ts';

const region = 'iad1';
const megabytesPerProcessor = 2048;
const defaultProcessors = 2;

const given = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** A session as the vendor shows it. Memory and processors are nominal. */
export function sessionView(session: VercelSession): object {
  const { sandbox, startedAt, stoppedAt, policy } = session;
  const vcpus = sandbox.settings.resources?.vcpus ?? defaultProcessors;
  return {
    ...{ id: session.id, status: session.status, timeout: session.timeout, vcpus },
    ...{ memory: vcpus * megabytesPerProcessor, region, cwd: sandbox.cwd },
    ...{ requestedAt: session.requestedAt, createdAt: session.requestedAt },
    ...{ updatedAt: session.updatedAt, sourceSandboxName: sandbox.name },
    ...given({
      ...{ startedAt, stoppedAt, requestedStopAt: session.requestedStopAt },
      ...{ snapshottedAt: session.snapshottedAt, sourceSnapshotId: session.sourceSnapshotId },
      runtime: sandbox.settings.runtime,
      networkPolicy: policy && policyView(policy),
      duration: startedAt && stoppedAt ? stoppedAt - startedAt : undefined,
    }),
  };
}

/** A sandbox as the vendor shows it. */
export function sandboxView(sandbox: VercelSandbox): object {
  const { settings, current } = sandbox;
  const vcpus = settings.resources?.vcpus ?? defaultProcessors;
  const { startedAt, timeout, status } = current;
  return {
    ...{ name: sandbox.name, persistent: sandbox.persistent, region, status, vcpus },
    ...{ memory: vcpus * megabytesPerProcessor, cwd: sandbox.cwd },
    ...{ createdAt: sandbox.createdAt, updatedAt: sandbox.updatedAt },
    ...{ statusUpdatedAt: sandbox.statusUpdatedAt, currentSessionId: current.id },
    ...given({
      ...{ runtime: settings.runtime, image: settings.image, tags: settings.tags },
      ...{ timeout: settings.timeout, currentSnapshotId: sandbox.currentSnapshotId },
      ...{ snapshotExpiration: settings.snapshotExpiration, mounts: settings.mounts },
      keepLastSnapshots: settings.keepLastSnapshots,
      networkPolicy: settings.networkPolicy && policyView(settings.networkPolicy),
      expiresAt: status === 'running' && startedAt ? startedAt + timeout : undefined,
    }),
  };
}

/** A command as the vendor shows it. */
export function commandView(command: RunningCommand, session: VercelSession): object {
  const { id, request, cwd, startedAt, exitCode, durationMs } = command;
  return {
    ...{ id, name: request.command, args: request.args, cwd, sessionId: session.id, startedAt },
    exitCode: exitCode ?? null,
    ...(durationMs === undefined ? {} : { durationMs }),
  };
}

/** A snapshot as the vendor shows it. */
export function snapshotView(snapshot: StoredSnapshot): object {
  const { file: _file, sandboxName: _name, alarm: _alarm, ...shown } = snapshot;
  return { ...given(shown), region, regions: [region] };
}
