import type { Call, SandboxRef, SandboxStatus, SandboxSummary } from '@gantry/core/driver';
import type { E2B, SandboxInfo } from 'e2b';
import { withVendor } from './errors.ts';
import { toLabels } from './metadata.ts';

/** Labels that the vendor's filter surely understands; the others are compared here. */
const plain = /^[A-Za-z0-9._-]+$/;

/** Every sandbox of the account that carries all of the labels, page by page. */
export async function* listSandboxes(
  client: E2B,
  labels: Readonly<Record<string, string>>,
  refOf: (id: string) => SandboxRef,
  call: Call,
): AsyncGenerator<SandboxSummary, void> {
  const wanted = Object.entries(labels);
  const simple = wanted.filter(([name, value]) => plain.test(name) && plain.test(value));
  const query = { state: ['running' as const, 'paused' as const] };
  const metadata = Object.fromEntries(simple);
  const pages = client.Sandbox.list({
    query: simple.length > 0 ? { ...query, metadata } : query,
  });
  while (pages.hasNext) {
    call.signal.throwIfAborted();
    for (const info of await withVendor(() => pages.nextItems({ signal: call.signal }))) {
      const own = toLabels(info.metadata);
      if (!wanted.every(([name, value]) => own[name] === value)) continue;
      yield {
        ref: refOf(info.sandboxId),
        labels: own,
        createdAt: info.startedAt.getTime(),
        ...statusOf(info),
      };
    }
  }
}

/** What the vendor knows of a sandbox that is there. A paused one has no time at which the vendor ends it. */
export function statusOf({ state, endAt }: SandboxInfo): SandboxStatus {
  if (state === 'paused') return { state: 'suspended' };
  return { state: 'running', expiresAt: endAt.getTime() };
}
