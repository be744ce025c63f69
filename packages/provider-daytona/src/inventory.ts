import type { Call, SandboxRef, SandboxStatus, SandboxSummary } from '@gantry/core/driver';
import { withVendor } from './errors.ts';
import type { Daytona, Sandbox } from './sdk.ts';

/** The SDK adds it to every sandbox that it makes. */
const addedLabel = 'code-toolbox-language';

const states: Readonly<Record<string, SandboxStatus['state']>> = {
  ...{ started: 'running', resizing: 'running', snapshotting: 'running', forking: 'running' },
  ...{ stopped: 'suspended', paused: 'suspended', archived: 'suspended' },
  ...{ stopping: 'suspended', pausing: 'suspended', archiving: 'suspended' },
};

/** Where a sandbox that is there is in its life. What has failed, or is on its way up or down, is `stopped`. */
export function stateOf({
  state = 'unknown',
  autoDestroyAt,
}: Pick<Sandbox, 'state' | 'autoDestroyAt'>): SandboxStatus {
  const expiresAt = autoDestroyAt ? { expiresAt: Date.parse(autoDestroyAt) } : {};
  return { state: states[state] ?? 'stopped', ...expiresAt };
}

/** Every sandbox of the account that carries all of the labels, page by page. */
export async function* listSandboxes(
  client: Daytona,
  labels: Readonly<Record<string, string>>,
  refOf: (id: string) => SandboxRef,
  call: Call,
): AsyncGenerator<SandboxSummary, void> {
  const pages = client.list({ labels: { ...labels } });
  for (;;) {
    call.signal.throwIfAborted();
    const next = await withVendor(() => pages.next());
    if (next.done) return;
    const sandbox = next.value;
    const { [addedLabel]: _added, ...own } = sandbox.labels;
    if (!Object.entries(labels).every(([name, value]) => own[name] === value)) continue;
    yield {
      ref: refOf(sandbox.id),
      labels: own,
      createdAt: Date.parse(sandbox.createdAt ?? ''),
      ...stateOf(sandbox),
    };
  }
}
