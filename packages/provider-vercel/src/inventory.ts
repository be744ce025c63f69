import type { Call, SandboxRef, SandboxSummary } from '@gantry/core/driver';
import { Sandbox } from '@vercel/sandbox';
import { withVendor } from './errors.ts';
import type { VendorAccess } from './options.ts';
import { statusOf, toLabels } from './tags.ts';

/** Sandboxes of one page. */
const pageSize = 50;

/** Every sandbox of the project that carries all of the labels, page by page. The vendor filters by one tag only, so they are compared here. */
export async function* listSandboxes(
  access: VendorAccess,
  labels: Readonly<Record<string, string>>,
  refOf: (id: string) => SandboxRef,
  { signal }: Call,
): AsyncGenerator<SandboxSummary, void> {
  let cursor: string | undefined;
  do {
    signal.throwIfAborted();
    const at = cursor === undefined ? {} : { cursor };
    const page = await withVendor(() =>
      Sandbox.list({ ...access, limit: pageSize, sortBy: 'createdAt', signal, ...at }),
    );
    for (const found of page.sandboxes) {
      const own = toLabels(found.tags);
      if (!Object.entries(labels).every(([name, value]) => own[name] === value)) continue;
      const { name, createdAt } = found;
      yield { ref: refOf(name), labels: own, createdAt, ...statusOf(found) };
    }
    cursor = page.pagination.next ?? undefined;
  } while (cursor !== undefined);
}
