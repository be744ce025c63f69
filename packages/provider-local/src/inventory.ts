import type { Finding, SandboxRef, SandboxStatus, SandboxSummary } from '@gantry/core/driver';
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
 * The living sandboxes that carry all of `labels`. Records that cannot be read are the error after
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
  const unreadable: SandboxError[] = [];
  for (const id of ids) {
    let record: SandboxRecord | undefined;
    try {
      record = state.read(id);
    } catch (error) {
      if (!SandboxError.is(error)) throw error;
      unreadable.push(error);
      continue;
    }
    const status = sandboxStatus(record);
    if (!record || record.isolation !== isolation || status.state === 'gone') continue;
    if (Object.entries(labels).some(([name, value]) => record.labels[name] !== value)) continue;
    yield { ...status, ref: reference(id), labels: record.labels, createdAt: record.createdAt };
  }
  const [first, ...others] = unreadable;
  if (!first) return;
  const more = others.length === 0 ? '' : `; and ${others.length} more are like it`;
  throw new SandboxError('data-loss', `${first.message}${more}`, {
    details: { files: unreadable.map(({ details }) => details['file']) },
    cause: first,
  });
}

/** Each record that cannot be read, for whoever looks after this machine. */
export function unreadableRecords(state: StateDirectory): readonly Finding[] {
  return state.ids().flatMap((id) => {
    try {
      state.read(id);
      return [];
    } catch (error) {
      if (!SandboxError.is(error)) throw error;
      return [{ control: 'record of a sandbox', ok: false, message: error.message }];
    }
  });
}
