import { createHash } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { refusedToStart } from '../errors.ts';
import type { StateDirectory } from '../state-directory.ts';
import { hasFilter, seccompFilter } from './filter.ts';
import { encode } from './program.ts';

/** The file that bubblewrap reads the filter of this machine from. Throws where there is no filter for it. */
export function seccompFile(state: StateDirectory, architecture: string): string {
  if (!hasFilter(architecture)) {
    throw refusedToStart(
      `there is a seccomp filter for x64 and arm64 only, and this machine is ${architecture}`,
      { control: 'seccomp' },
    );
  }
  const bytes = encode(seccompFilter(architecture));
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  const file = path.join(state.path, `seccomp-${architecture}-${digest}.bpf`);
  if (!existsSync(file)) {
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, bytes, { mode: 0o600 });
    renameSync(fresh, file);
  }
  return file;
}
