import type { Call, SandboxRef, SandboxStatus, SandboxSummary } from '@gantry/core/driver';
import type { E2B, SandboxInfo } from 'e2b';
import { withVendor } from './errors.ts';
import { remainingMs, toLabels } from './metadata.ts';

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

/**
 * What the vendor knows of a sandbox that is there. It ends no paused one by itself: one whose time is over is
 * `stopped`, since it is never resumed, and kept by the vendor until it is destroyed.
 */
export function statusOf({ state, endAt, metadata }: SandboxInfo): SandboxStatus {
  if (state === 'running') return { state, expiresAt: endAt.getTime() };
  const left = remainingMs(metadata);
  return left > 0 ? { state: 'suspended', expiresAt: Date.now() + left } : { state: 'stopped' };
}
