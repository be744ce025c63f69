import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Finding, SandboxError } from '@gantry/core/driver';
import { hostProcess } from '@gantry/core/node';
import type { StateDirectory } from '../state-directory.ts';
import { mountNamespace, openWorkDirectories, overlayMount, prepareOverlay } from './overlay.ts';

const probes = new Map<string, Promise<Finding>>();

/** Whether the caller can mount an overlay whose upper layer is in the state directory. Tried once per process. */
export function probeOverlay(state: StateDirectory): Promise<Finding> {
  let probe = probes.get(state.path);
  if (!probe) {
    probe = tryOverlay(state);
    probes.set(state.path, probe);
  }
  return probe;
}

/** Throws `unsupported` where no overlay can be mounted. */
export async function requireOverlay(state: StateDirectory): Promise<void> {
  const { ok, message } = await probeOverlay(state);
  if (ok) return;
  throw new SandboxError('unsupported', `no copy-on-write root can be had here: ${message}`, {
    provider: 'local',
    outcome: 'not-started',
    details: { capability: 'root' },
  });
}

async function tryOverlay(state: StateDirectory): Promise<Finding> {
  const control = 'copy-on-write root';
  if (process.platform !== 'linux') return { control, ok: false, message: 'it needs Linux' };
  state.ensure();
  // Where a sweep takes an old one for a create that was cut off.
  const directory = path.join(state.path, 'sandboxes', `probe-${randomBytes(8).toString('hex')}`);
  mkdirSync(directory);
  try {
    const layer = path.join(directory, 'layer');
    mkdirSync(layer);
    writeFileSync(path.join(layer, 'a'), '');
    const overlay = prepareOverlay(directory, 'probe', [layer], undefined);
    const [options, target] = overlayMount(overlay, process.getuid?.() !== 0);
    // A file that goes away leaves a whiteout: the part that an upper file system may not be able to do.
    const script =
      'cd "$3" && mount -t overlay -o "$1" overlay "$2" && rm "$2/a" && mkdir "$2/b" && : >"$2/b/c"';
    const shell = ['sh', '-c', script, 'sh', options, target, directory];
    const { code, output } = await hostProcess.runProgram(['env', ...mountNamespace(), ...shell]);
    if (code === 0) return { control, ok: true, message: 'overlays can be mounted' };
    return {
      control,
      ok: false,
      message: `${advice(output)} (${output || 'no reason was given'})`,
    };
  } finally {
    openWorkDirectories(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}

function advice(message: string): string {
  if (/unshare/.test(message) && process.getuid?.() !== 0) {
    return 'an ordinary user needs unprivileged user namespaces: see the sysctls kernel.unprivileged_userns_clone and user.max_user_namespaces';
  }
  return 'no overlay can be mounted; it needs Linux 5.11 or newer and a state directory on ext4, XFS, btrfs or tmpfs, not on an overlay (GANTRY_STATE_DIRECTORY)';
}
