import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Keeps the local provider's sandboxes of this process and its children apart from all others. Returns what ends that. */
export function withOwnState(): () => void {
  const directory = mkdtempSync(path.join(tmpdir(), 'gantry-conformance-'));
  process.env['GANTRY_STATE_DIRECTORY'] = directory;
  return () => {
    delete process.env['GANTRY_STATE_DIRECTORY'];
    rmSync(directory, { recursive: true });
  };
}
