import type { Call } from '@gantry/core/driver';
import { SandboxError } from '@gantry/core/driver';
import { buildSandbox, type BuiltSandbox } from './build-sandbox.ts';
import { diagnose, requireAll } from './diagnose.ts';
import { removeSandbox } from './removal.ts';
import type { RunningRecord, SandboxRecord } from './sandbox-record.ts';
import { reserveUid } from './sandbox-uid.ts';
import type { StateDirectory } from './state-directory.ts';

/** Makes the sandbox of a new record, or takes over one that runs; of one that cannot be made nothing is left. */
export async function startSandbox<Handle>(
  state: StateDirectory,
  fresh: SandboxRecord,
  call: Call,
  handle: (record: RunningRecord, built: BuiltSandbox) => Handle,
  warm?: BuiltSandbox,
): Promise<Handle> {
  let record = fresh;
  try {
    const built = warm ?? (await build(state, record, call.signal, (begun) => (record = begun)));
    try {
      const { main, keeper, timer } = built;
      const running = { ...record, main, keeper, timer };
      record = running;
      state.write(record);
      const created = handle(running, built);
      call.signal.throwIfAborted();
      built.go(record.expiresAt - Date.now());
      return created;
    } catch (error) {
      await built.abandon();
      throw error;
    }
  } catch (error) {
    await removeSandbox(state, record);
    // Says which of the prerequisites is missing, in place of what one of them did about it.
    const codes = ['failed-precondition', 'unavailable'];
    if (SandboxError.is(error) && codes.includes(error.code)) requireAll(await diagnose());
    throw error;
  }
}

/** A sandbox that runs and that nobody has yet; of one that cannot be made nothing is left. */
export async function startUnused(
  state: StateDirectory,
  fresh: SandboxRecord,
  signal: AbortSignal,
): Promise<{ readonly record: SandboxRecord; readonly built: BuiltSandbox }> {
  let record = fresh;
  try {
    const built = await build(state, record, signal, (begun) => (record = begun));
    return { record, built };
  } catch (error) {
    await removeSandbox(state, record);
    throw error;
  }
}

function build(
  state: StateDirectory,
  fresh: SandboxRecord,
  signal: AbortSignal,
  begun: (record: SandboxRecord) => void,
): Promise<BuiltSandbox> {
  return buildSandbox(state, fresh, signal, (spare) => {
    // Not before there is a directory: a sweep frees the uids of sandboxes that have none.
    const asRoot = process.getuid?.() === 0;
    const uid =
      fresh.uid ?? spare.overlaid?.uid ?? (asRoot ? reserveUid(state, fresh.id) : undefined);
    const { cgroups } = spare;
    const record = { ...fresh, cgroups, ...(uid === undefined ? {} : { uid }) };
    begun(record);
    // Before anything is made that a sweep could not find otherwise.
    state.write(record);
    return record;
  });
}
