import type { Call } from '../../contract/call.ts';
import type { BytePath } from '../../manifest/byte-path.ts';
import type { Session } from '../../provider/session.ts';
import type { WorkspaceRecorder } from './workspace-recorder.ts';

/** What the ways to capture a workspace share. */
export interface CaptureContext {
  readonly session: Session;
  readonly recorder: WorkspaceRecorder;
  /** Paths of mounts, which are no part of the workspace. */
  readonly excluded: readonly BytePath[];
  readonly call: Call;
}

/** Whether a path is one of these, or below one. */
export function isExcluded(path: BytePath, excluded: readonly BytePath[]): boolean {
  return excluded.some((root) => path === root || path.startsWith(`${root}/`));
}
