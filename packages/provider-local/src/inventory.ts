import type { SandboxRef, SandboxStatus, SandboxSummary } from '@gantry/core/driver';
import { SandboxError } from '@gantry/core/driver';
import { isAlive, isOnDisk, sweep } from './removal.ts';
import type { SandboxRecord } from './sandbox-record.ts';
import type { StateDirectory } from './state-directory.ts';

/** Where a sandbox is in its life. One that is still being made has no ref yet, so it is not there. */
export function sandboxStatus(record: SandboxRecord | undefined): SandboxStatus {
  if (!record || !isAlive(record)) return { state: 'gone' };
  const { expiresAt, main, suspended } = record;
  if (isOnDisk(record) || (main && suspended?.mode === 'memory')) {
    return { state: 'suspended', expiresAt };
  }
  return main ? { state: 'running', expiresAt } : { state: 'gone' };
}

/**
 * The living sandboxes that carry all of `labels`. A record that cannot be read is the error after
 * them: an inventory must not pass over what may still run.
 */
export async function* listRecords(
  state: StateDirectory,
  isolation: SandboxRecord['isolation'],
  labels: Readonly<Record<string, string>>,
  reference: (id: string) => SandboxRef,
): AsyncGenerator<SandboxSummary, void> {
  const ids = state.ids();
  if (ids.length > 0) await sweep(state);
  let unreadable: SandboxError | undefined;
  for (const id of ids) {
    let record: SandboxRecord | undefined;
    try {
      record = state.read(id);
    } catch (error) {
      if (!SandboxError.is(error)) throw error;
      unreadable ??= error;
      continue;
    }
    const status = sandboxStatus(record);
    if (!record || record.isolation !== isolation || status.state === 'gone') continue;
    if (Object.entries(labels).some(([name, value]) => record.labels[name] !== value)) continue;
    yield { ...status, ref: reference(id), labels: record.labels, createdAt: record.createdAt };
  }
  if (unreadable) throw unreadable;
}
