import type { Call } from '../contract/call.ts';
import type { ExitStatus } from '../contract/exit-status.ts';

/** What `materialize` and `collect` need of a sandbox. Each method is one driver call. */
export interface WorkspaceTarget {
  /** The provider's id, for errors. */
  readonly provider: string;
  /** Where commands find the workspace. */
  readonly workspace: string;
  /** Unpacks a tar into the workspace, keeping modes and links. */
  putArchive(tar: ReadableStream<Uint8Array>, call: Call): Promise<void>;
  /** Packs one workspace-relative path; names in the tar start with its last component. */
  getArchive(path: string, call: Call): Promise<ReadableStream<Uint8Array>>;
  /** Runs a program in the workspace to its end. Output is kept whole. */
  run(
    argv: readonly [string, ...string[]],
    call: Call,
    input?: Uint8Array,
  ): Promise<{
    readonly exit: ExitStatus;
    readonly stdout: Uint8Array;
    readonly stderr: Uint8Array;
  }>;
}
