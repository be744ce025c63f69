import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type Call, SandboxError, type SandboxRef, type SuspendMode } from '@gantry/core/driver';
import { buildSandbox, type BuiltSandbox, mountPrefix } from '../build-sandbox.ts';
import { sandboxStatus } from '../inventory.ts';
import { endSandbox } from '../removal.ts';
import type { RunningRecord, SandboxRecord } from '../sandbox-record.ts';
import type { StateDirectory } from '../state-directory.ts';
import { requireMountTargets } from './mount-targets.ts';
import { holdResume } from './resume-lock.ts';
import { freeze, stoppedByGuest, thaw } from './suspend-in-memory.ts';

/** Suspends a running sandbox. Whatever cuts this off, the sandbox is one of running and suspended. */
export async function suspendSandbox(
  state: StateDirectory,
  ref: SandboxRef,
  mode: SuspendMode,
): Promise<void> {
  const record = requireRunning(state.read(ref.id), ref);
  const suspended = { ...record, suspended: { mode, stopped: stoppedByGuest(record) } };
  // Written first: until the processes have ended, a sandbox that is to be on disk still runs.
  state.write(suspended);
  if (mode === 'memory') {
    try {
      await freeze(suspended);
    } catch (error) {
      state.write(record);
      throw error;
    }
    return;
  }
  await endSandbox(state, record);
  const { main: _main, keeper: _keeper, timer: _timer, ...kept } = suspended;
  state.write(kept);
}

/**
 * Has a suspended sandbox run again, and returns its record. One that runs is left as it is. `started`
 * gets what was started anew, before it goes.
 */
export async function resumeSandbox(
  state: StateDirectory,
  ref: SandboxRef,
  call: Call,
  started: (record: RunningRecord, built: BuiltSandbox) => void,
): Promise<RunningRecord> {
  using _hold = holdResume(state, ref);
  const record = state.read(ref.id);
  const status = sandboxStatus(record);
  if (!record || status.state === 'gone') throw missing(ref);
  const { suspended, main, ...rest } = record;
  if (status.state === 'running') return requireRunning(record, ref);
  if (suspended?.mode === 'memory' && main) {
    const running = { ...rest, main };
    await thaw(record, suspended.stopped);
    state.write(running);
    return running;
  }
  return await startAgain(state, record, call, started);
}

async function startAgain(
  state: StateDirectory,
  kept: SandboxRecord,
  call: Call,
  started: (record: RunningRecord, built: BuiltSandbox) => void,
): Promise<RunningRecord> {
  const { directory, workspace } = state.sandbox(kept.id);
  const made = readdirSync(directory).filter((name) => name.startsWith(mountPrefix));
  for (const name of ['control', ...made]) {
    rmSync(path.join(directory, name), { recursive: true, force: true });
  }
  requireMountTargets(workspace, kept.rebuild?.mounts ?? []);
  let record = kept;
  const built = await buildSandbox(state, kept, call.signal, ({ cgroups }) => {
    record = { ...kept, cgroups };
    state.write(record);
    return record;
  });
  try {
    const alive = { ...record, main: built.main, keeper: built.keeper, timer: built.timer };
    // Still marked as suspended: if this process ends before the sandbox goes, it is on disk as before.
    state.write(alive);
    const { suspended: _, ...running } = alive;
    started(running, built);
    call.signal.throwIfAborted();
    built.go(record.expiresAt - Date.now());
    state.write(running);
    return running;
  } catch (error) {
    await built.abandon();
    throw error;
  }
}

/** The record of a sandbox that runs; throws `not-found` or `failed-precondition` for any other. */
export function requireRunning(record: SandboxRecord | undefined, ref: SandboxRef): RunningRecord {
  const { state } = sandboxStatus(record);
  if (!record || state === 'gone') throw missing(ref);
  const { main } = record;
  if (state === 'running' && main) return { ...record, main };
  throw new SandboxError('failed-precondition', `sandbox ${ref.id} is suspended: resume it first`, {
    ref,
    details: { reason: 'suspended' },
  });
}

function missing(ref: SandboxRef): SandboxError {
  return new SandboxError('not-found', `there is no running sandbox ${ref.id}`, { ref });
}
