import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Debian's busybox-static; the tests need it, and fail by name without it. */
const busybox = '/bin/busybox';

/** A directory in which every tool is busybox's. The caller removes it. */
export function busyboxTools(): { readonly directory: string; remove(): void } {
  const directory = mkdtempSync(path.join(tmpdir(), 'gantry-busybox-'));
  const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const applet of applets) symlinkSync(busybox, path.join(directory, applet));
  return { directory, remove: () => rmSync(directory, { recursive: true }) };
}
