import type { Call, SandboxSummary } from '@gantry/core/driver';
import type Dockerode from 'dockerode';
import { endSandbox } from './containers.ts';
import { dockerError } from './errors.ts';
import { ownLabels, requestLabels } from './labels.ts';

/**
 * Every sandbox of this provider on the daemon that carries all the labels. A suspended one that is past its time
 * cannot end by itself; it is removed here, and not listed.
 */
export async function* listSandboxes(
  daemon: Dockerode,
  labels: Readonly<Record<string, string>>,
  call: Call,
): AsyncGenerator<SandboxSummary> {
  const filters = { label: [`${ownLabels.kind}=sandbox`] };
  const containers = await daemon
    .listContainers({ all: true, filters, abortSignal: call.signal })
    .catch((error: unknown) => {
      throw dockerError(error, 'listing sandboxes');
    });
  for (const { Id, Labels, State, Created } of containers) {
    const [id, expiresAt] = [Labels[ownLabels.id], Number(Labels[ownLabels.expiresAt])];
    if (id === undefined || State === 'created') continue;
    if (State === 'paused' && expiresAt < Date.now()) {
      await endSandbox(daemon, { Id, Labels });
      continue;
    }
    const own = requestLabels(Labels[ownLabels.labels]);
    if (!Object.entries(labels).every(([name, value]) => own[name] === value)) continue;
    yield {
      ref: { spec: 'gantry-ref/1', provider: 'docker', id },
      labels: own,
      createdAt: Created * 1_000,
      state: State === 'running' ? 'running' : State === 'paused' ? 'suspended' : 'stopped',
      ...(Number.isFinite(expiresAt) ? { expiresAt } : {}),
    };
  }
}
